//! The list of cases, which stands here and nowhere else.

/// Calls a macro with every case: `[its name] [what to hand on]`, then per group its law and the names of its cases.
#[doc(hidden)]
#[macro_export]
macro_rules! __with_cases {
    ([$($callback:tt)+] [$($handed_on:tt)*]) => {
        $($callback)+! {
            [$($handed_on)*]
            law_01_all_or_nothing (Some(1)) {
                a_batch_over_several_streams_is_stored_whole,
                a_failed_guard_on_one_stream_stores_nothing_in_any,
                a_failed_guard_on_an_unwritten_stream_stores_nothing,
                a_failed_condition_stores_nothing_in_any_stream,
                one_invalid_event_keeps_the_whole_batch_out,
                one_reused_id_keeps_the_whole_batch_out,
                readers_never_see_part_of_a_batch,
                batches_are_whole_or_absent_after_reopening,
            }
        }
    };
}

pub(crate) use __with_cases as with_cases;

/// Makes one `#[test]` of every case, for the backend that this factory makes, in one module for each law.
///
/// The argument is an expression that makes a [`BackendFactory`](crate::BackendFactory); every test evaluates it anew.
/// To test more than one backend in a file, put each call into a module of its own.
///
/// ```
/// use eventstore_conformance::{Volatile, conformance_tests, model::ReferenceBackend};
///
/// conformance_tests!(Volatile(ReferenceBackend::new));
/// ```
#[macro_export]
macro_rules! conformance_tests {
    ($factory:expr $(,)?) => {
        $crate::__with_cases!([$crate::__test_cases] [$factory]);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __test_cases {
    ([$factory:expr] $($group:ident ($law:expr) { $($name:ident,)* })*) => {
        $(
            mod $group {
                // The factory's expression is written where the macro is called.
                #[allow(unused_imports)]
                use super::*;

                $(
                    #[test]
                    fn $name() {
                        $crate::run_case(
                            concat!(stringify!($group), "::", stringify!($name)),
                            $factory,
                            $crate::suite::$group::$name,
                        );
                    }
                )*
            }
        )*
    };
}
