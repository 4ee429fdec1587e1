use std::{fmt, panic::resume_unwind, pin::Pin, sync::Arc, time::Duration};

use crate::{
    BackendFactory, TestStore,
    deadline::Deadline,
    opened::{Opened, open},
    settings,
    table::with_cases,
};

/// One case of the suite, for a program that runs cases itself. `conformance_tests!` makes a test of each instead.
pub struct Case {
    /// The law it belongs to, 1 to 16; none for the state machine and the histories, which look at all of them.
    pub law: Option<u8>,
    /// The module it stands in: `law_03_guard`.
    pub group: &'static str,
    /// What it proves, as a sentence: `any_holds_whatever_is_there`.
    pub name: &'static str,
    body: fn(TestStore) -> Running,
}

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;
/// A store that is being opened.
type Opening = Pin<Box<dyn Future<Output = Box<dyn Opened>> + Send>>;

impl Case {
    /// Runs the case on a new store of this factory, for at most this long. A case that goes on with another new store (each
    /// random run of the state machine does) has the same time again.
    ///
    /// # Panics
    ///
    /// When the backend does not pass, or has not come to an end in time.
    pub fn run_within(&self, limit: Duration, factory: impl BackendFactory) {
        let body = self.body;
        run_within(limit, &self.to_string(), Box::pin(open(Arc::new(factory))), Box::new(body));
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.group, self.name)
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! list_cases {
    ([] $($group:ident ($law:expr) { $($name:ident,)* })*) => {
        &[$($(
            Case {
                law: $law,
                group: stringify!($group),
                name: stringify!($name),
                body: |store| Box::pin(crate::suite::$group::$name(store)),
            },
        )*)*]
    };
}

/// Every case of the suite, in the order of the laws.
///
/// ```
/// use std::time::Duration;
/// use eventstore_conformance::{Volatile, cases, model::ReferenceBackend};
///
/// for case in cases().iter().filter(|case| case.law == Some(10)) {
///     case.run_within(Duration::from_secs(10), Volatile(ReferenceBackend::new));
/// }
/// ```
#[must_use]
pub fn cases() -> &'static [Case] {
    CASES
}

/// Not a constant, which whoever uses it would compile again, with all cases.
static CASES: &[Case] = with_cases!([list_cases][]);

/// Runs the case of the suite that has this name. What the tests of `conformance_tests!` call.
#[doc(hidden)]
pub fn run_case_of_suite(group: &str, name: &str, factory: impl BackendFactory) {
    let case = cases().iter().find(|case| case.group == group && case.name == name);
    let case = case.unwrap_or_else(|| panic!("the suite has no case {group}::{name}"));
    case.run_within(settings::case_timeout(), factory);
}

/// Runs a case of one's own, in a runtime of its own and with a time limit, as those of the suite are run.
///
/// # Panics
///
/// When the backend does not pass, or has not come to an end within 60 seconds (`EVENTSTORE_CONFORMANCE_TIMEOUT`) on one
/// store.
pub fn run_case<C, R>(name: &str, factory: impl BackendFactory, case: C)
where
    C: FnOnce(TestStore) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let case = |store| Box::pin(case(store)) as Running;
    run_within(settings::case_timeout(), name, Box::pin(open(Arc::new(factory))), Box::new(case));
}

fn run_within(
    limit: Duration,
    name: &str,
    opening: Opening,
    case: Box<dyn FnOnce(TestStore) -> Running + Send>,
) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .thread_name("conformance")
        .enable_all()
        .build()
        .expect("a runtime can be started");
    // On a worker, so that a backend which blocks its thread for ever is noticed too.
    let deadline = Deadline::within(limit);
    let of_the_store = deadline.clone();
    let running = runtime.spawn(async move { case(TestStore::of(opening.await, of_the_store)).await });
    let outcome = runtime.block_on(deadline.met_by(running));
    // Without waiting for the workers: one of them may be what hangs.
    runtime.shutdown_background();
    match outcome {
        Some(Ok(())) => {}
        Some(Err(failed)) => resume_unwind(failed.into_panic()),
        None => {
            panic!("{name} did not come to an end within {limit:?}: something is waited for that never comes")
        }
    }
}
