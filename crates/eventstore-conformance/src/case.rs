use std::{fmt, panic::resume_unwind, pin::Pin, sync::Arc, time::Duration};

use crate::{BackendFactory, TestStore, deadline::Deadline, settings, table::with_cases};

/// One case of the suite, for a program that runs cases itself. `conformance_tests!` makes a test of each instead.
pub struct Case<F: BackendFactory> {
    /// The law it belongs to, 1 to 15; none for the state machine and the histories, which look at all of them.
    pub law: Option<u8>,
    /// The module it stands in: `law_03_guard`.
    pub group: &'static str,
    /// What it proves, as a sentence: `any_holds_whatever_is_there`.
    pub name: &'static str,
    body: Body<F>,
}

type Body<F> = fn(TestStore<F>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

impl<F: BackendFactory> Case<F> {
    /// Runs the case on a new store of this factory, for at most this long. A case that goes on with another new store (each
    /// random run of the state machine does) has the same time again.
    ///
    /// # Panics
    ///
    /// When the backend does not pass, or has not come to an end in time.
    pub fn run_within(&self, limit: Duration, factory: F) {
        run_within(limit, &format!("{}::{}", self.group, self.name), factory, self.body);
    }
}

impl<F: BackendFactory> fmt::Debug for Case<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.group, self.name)
    }
}

macro_rules! list_cases {
    ([$factory:ty] $($group:ident ($law:expr) { $($name:ident,)* })*) => {
        vec![$($(
            Case {
                law: $law,
                group: stringify!($group),
                name: stringify!($name),
                body: |store| Box::pin(crate::suite::$group::$name::<$factory>(store)),
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
/// let factory = || Volatile(ReferenceBackend::new);
/// # fn all<F: eventstore_conformance::BackendFactory>(_: impl Fn() -> F) -> Vec<eventstore_conformance::Case<F>> { cases() }
/// # let cases = || all(factory);
/// for case in cases().iter().filter(|case| case.law == Some(10)) {
///     case.run_within(Duration::from_secs(10), factory());
/// }
/// ```
#[must_use]
pub fn cases<F: BackendFactory>() -> Vec<Case<F>> {
    with_cases!([list_cases][F])
}

/// Runs one case, in a runtime of its own and with a time limit. What the tests of `conformance_tests!` call.
///
/// # Panics
///
/// When the backend does not pass, or has not come to an end within 60 seconds (`EVENTSTORE_CONFORMANCE_TIMEOUT`) on one
/// store.
pub fn run_case<F, C, R>(name: &str, factory: F, case: C)
where
    F: BackendFactory,
    C: FnOnce(TestStore<F>) -> R + Send + 'static,
    R: Future<Output = ()> + Send,
{
    run_within(settings::case_timeout(), name, factory, case);
}

fn run_within<F, C, R>(limit: Duration, name: &str, factory: F, case: C)
where
    F: BackendFactory,
    C: FnOnce(TestStore<F>) -> R + Send + 'static,
    R: Future<Output = ()> + Send,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .thread_name("conformance")
        .enable_all()
        .build()
        .expect("a runtime can be started");
    // On a worker, so that a backend which blocks its thread for ever is noticed too.
    let deadline = Deadline::within(limit);
    let store = TestStore::create_within(deadline.clone(), Arc::new(factory));
    let running = runtime.spawn(async move { case(store.await).await });
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
