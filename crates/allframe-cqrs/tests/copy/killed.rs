//! A copy in a process that is killed, again and again, at any of its steps.

use std::{
    env,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use allframe_cqrs::{
    Appended, BackendStats, EventStoreBackend, ExpectedVersion, GlobalPosition, InMemoryBackend, ReadAll,
    StreamId, StreamRange,
    api::{AppendBatch, NewEvent, Page, RecordedEvent, Result as StoreResult, Snapshot, StreamPage},
    async_trait,
    copy::{Output, StoreCopy},
};
use eventstore_wal::WalBackend;

use crate::stores::{event, records, stream, told};

/// The durable store, in a process that says so and waits to be killed at one of its steps: those before and after each append.
struct Deadly {
    inner: WalBackend,
    done: AtomicUsize,
    last: usize,
}

impl Deadly {
    fn step(&self) {
        if self.done.fetch_add(1, Ordering::SeqCst) + 1 == self.last {
            println!("at {}", self.last);
            loop {
                std::thread::park();
            }
        }
    }
}

#[async_trait]
impl EventStoreBackend for Deadly {
    async fn append_all(&self, batch: AppendBatch) -> StoreResult<Vec<Appended>> {
        self.step();
        let answer = self.inner.append_all(batch).await;
        self.step();
        answer
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> StoreResult<StreamPage> {
        self.inner.read_stream(stream, range).await
    }

    async fn read_all(&self, query: &ReadAll) -> StoreResult<Page> {
        self.inner.read_all(query).await
    }

    async fn wait_past(&self, position: GlobalPosition) -> StoreResult<GlobalPosition> {
        self.inner.wait_past(position).await
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> StoreResult<()> {
        self.inner.save_snapshot(snapshot).await
    }

    async fn get_latest_snapshot(&self, stream: &StreamId) -> StoreResult<Option<Snapshot>> {
        self.inner.get_latest_snapshot(stream).await
    }

    async fn stats(&self) -> StoreResult<BackendStats> {
        self.inner.stats().await
    }
}

/// Splits, drops and keeps.
fn transform(record: &RecordedEvent, output: &mut Output<'_>) {
    match record.position.get() % 5 {
        0 => output.discard(),
        1 => {
            output.keep();
            output.keep_in("all");
        }
        _ => output.keep(),
    }
}

async fn fill(source: &impl EventStoreBackend) {
    for number in 0..60_u64 {
        let events: Vec<NewEvent> =
            (0..=number % 3).map(|part| event("Done", &format!("{number}{part}"))).collect();
        source.append(&stream(&format!("s-{}", number % 7)), ExpectedVersion::Any, events).await.unwrap();
    }
}

/// Where a child of this process finds what it is to do: the step to stop at, and a directory.
const CHILD: &str = "COPY_TEST_RUNS";
const THIS: &str = "killed::a_copy_that_is_killed_anywhere_goes_on_and_neither_loses_nor_doubles";

/// Whether the child was killed at this step; if not, it came to its end before.
fn killed_at(directory: &Path, step: usize) -> bool {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", THIS, "--nocapture"])
        .env(CHILD, format!("{step} {}", directory.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let at = lines.filter_map(|line| line.unwrap().rsplit_once("at ")?.1.parse::<usize>().ok()).next();
    if at.is_none() {
        assert!(child.wait().unwrap().success());
        return false;
    }
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    true
}

async fn be_killed(task: &str) {
    let (last, directory) = task.split_once(' ').unwrap();
    let source = WalBackend::open_read_only(Path::new(directory).join("source")).unwrap();
    let inner = WalBackend::production(Path::new(directory).join("target")).unwrap();
    let target = Deadly { inner, done: AtomicUsize::new(0), last: last.parse().unwrap() };
    let copy = StoreCopy::new("killed").from(&source).to(&target).transform(transform).batch_events(9);
    copy.run().await.unwrap();
    target.inner.close().await.unwrap();
}

#[tokio::test]
async fn a_copy_that_is_killed_anywhere_goes_on_and_neither_loses_nor_doubles() {
    if let Ok(task) = env::var(CHILD) {
        return be_killed(&task).await;
    }
    let directory = tempfile::tempdir().unwrap();
    let source = WalBackend::production(directory.path().join("source")).unwrap();
    fill(&source).await;
    source.close().await.unwrap();
    drop(source);
    let source = WalBackend::open_read_only(directory.path().join("source")).unwrap();
    let whole = InMemoryBackend::new();
    StoreCopy::new("killed").from(&source).to(&whole).transform(transform).run().await.unwrap();
    let whole = told(&whole).await;

    // Each child goes on with what the one before has left, and is killed before its first append, after it, before the
    // second, and so on: one that is killed before its first append leaves nothing new, so the next one comes further.
    let (mut kills, mut step) = (0, 1);
    while killed_at(directory.path(), step) {
        kills += 1;
        let left = WalBackend::open_read_only(directory.path().join("target")).unwrap();
        let left = told(&left).await;
        assert!(whole.starts_with(&left), "killed {kills} times: {left} is no beginning of {whole}");
        step = step % 4 + 1;
    }
    assert!(kills > 10, "{kills} kills are too few to have come everywhere");
    let target = WalBackend::open_read_only(directory.path().join("target")).unwrap();
    assert_eq!(told(&target).await, whole);
    let verified = StoreCopy::new("killed").from(&source).to(&target).transform(transform).verify().await;
    assert!(verified.unwrap().is_same());
    assert!(records(&target).await.len() > 100);
}
