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

use allframe_cqrs::{
    Appended, BackendStats, EventStoreBackend, GlobalPosition, ReadAll, StreamId, StreamRange,
    api::{AppendBatch, Page, RecordedEvent, Result, Snapshot, StreamPage},
    async_trait,
};

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
    pub(crate) inner: B,
    steps: Steps,
    reads: Steps,
}

impl<B> Stepped<B> {
    /// With a step before and after all that is read and written of streams.
    pub(crate) fn all(inner: B, steps: Steps) -> Self {
        Self { inner, reads: steps.clone(), steps }
    }

    /// With a step before and after each append.
    pub(crate) fn appends(inner: B, steps: Steps) -> Self {
        Self { inner, reads: Steps::without_end(), steps }
    }
}

async fn between<T>(steps: &Steps, work: impl Future<Output = T>) -> T {
    steps.step();
    let answer = work.await;
    steps.step();
    answer
}

#[async_trait]
impl<B: EventStoreBackend> EventStoreBackend for Stepped<B> {
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        between(&self.steps, self.inner.append_all(batch)).await
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        between(&self.reads, self.inner.read_stream(stream, range)).await
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        self.inner.read_all(query).await
    }

    async fn wait_past(&self, position: GlobalPosition) -> Result<GlobalPosition> {
        self.inner.wait_past(position).await
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()> {
        between(&self.reads, self.inner.save_snapshot(snapshot)).await
    }

    async fn get_latest_snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>> {
        between(&self.reads, self.inner.get_latest_snapshot(stream)).await
    }

    async fn list_snapshots(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamId>> {
        self.inner.list_snapshots(after, limit).await
    }
    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()> {
        self.inner.restore(events).await
    }
    async fn stats(&self) -> Result<BackendStats> {
        self.inner.stats().await
    }
}
