//! A process that is killed at one of its steps.

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use allframe_cqrs::{EventStoreBackend, api::Result, async_trait};
use eventstore_conformance::intercept::{Call, Intercepted, Interceptor};

/// Where a child of this process finds what it is to do.
const CHILD: &str = "KILLED_TEST_RUNS";

/// What this process is to do, as the child of a test.
pub(crate) fn task() -> Option<String> {
    env::var(CHILD).ok()
}

/// Runs the test of this name in a child that finds this task, and kills it with SIGKILL at the [step](Steps) that it says. `None`
/// where it came to its end before.
pub(crate) fn kill_at_step(test: &str, task: &str) -> Option<usize> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, task)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let at = lines.filter_map(|line| line.unwrap().rsplit_once("at step ")?.1.parse::<usize>().ok()).next();
    if at.is_none() {
        assert!(child.wait().unwrap().success(), "the child failed at `{task}`");
        return None;
    }
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    at
}

/// Where the steps of a process are counted. At one of them it says so, and waits to be killed.
#[derive(Clone)]
pub(crate) struct Steps {
    done: Arc<AtomicUsize>,
    last: usize,
}

impl Steps {
    pub(crate) fn up_to(last: usize) -> Self {
        Self { done: Arc::default(), last }
    }

    pub(crate) fn without_end() -> Self {
        Self::up_to(usize::MAX)
    }

    #[allow(clippy::print_stdout, reason = "a child tells its parent so how far it is")]
    pub(crate) fn step(&self) {
        if self.done.fetch_add(1, Ordering::SeqCst) + 1 == self.last {
            println!("at step {}", self.last);
            loop {
                std::thread::park();
            }
        }
    }
}

/// A store, with a step before and after each append and whatever else it is asked for.
pub(crate) struct Stepped<B> {
    pub(crate) inner: Arc<B>,
    steps: Steps,
    reads: Steps,
}

impl<B> Stepped<B> {
    /// With a step before and after all that is read and written of streams.
    pub(crate) fn all(inner: B, steps: Steps) -> Intercepted<Self> {
        Intercepted(Self { inner: Arc::new(inner), reads: steps.clone(), steps })
    }

    /// With a step before and after each append.
    pub(crate) fn appends(inner: B, steps: Steps) -> Intercepted<Self> {
        Intercepted(Self { inner: Arc::new(inner), reads: Steps::without_end(), steps })
    }
}

#[async_trait]
impl<B: EventStoreBackend> Interceptor for Stepped<B> {
    fn store(&self) -> impl EventStoreBackend {
        Arc::clone(&self.inner)
    }

    async fn each_call<R: Send>(
        &self,
        call: Call,
        answer: impl Future<Output = Result<R>> + Send,
    ) -> Result<R> {
        let steps = match call {
            Call::AppendAll => &self.steps,
            Call::ReadStream | Call::SaveSnapshot | Call::GetLatestSnapshot => &self.reads,
            _ => return answer.await,
        };
        steps.step();
        let answer = answer.await;
        steps.step();
        answer
    }
}
