//! A copy in a process that is killed, again and again, at any of its steps.

use std::path::Path;

use allframe_cqrs::{
    EventStoreBackend, ExpectedVersion, InMemoryBackend,
    api::{NewEvent, RecordedEvent},
    copy::{Output, StoreCopy},
};
use eventstore_wal::WalBackend;

use crate::{
    stores::{event, records, stream, told},
    support::killed::{Stepped, Steps, kill_at_step, task},
};

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

const THIS: &str = "killed::a_copy_that_is_killed_anywhere_goes_on_and_neither_loses_nor_doubles";

/// Whether the child was killed at this step; if not, it came to its end before.
fn killed_at(directory: &Path, step: usize) -> bool {
    kill_at_step(THIS, &format!("{step} {}", directory.display())).is_some()
}

async fn be_killed(task: &str) {
    let (last, directory) = task.split_once(' ').unwrap();
    let source = WalBackend::open_read_only(Path::new(directory).join("source")).unwrap();
    let inner = WalBackend::production(Path::new(directory).join("target")).unwrap();
    let target = Stepped::appends(inner, Steps::up_to(last.parse().unwrap()));
    let copy = StoreCopy::new("killed").from(&source).to(&target).transform(transform).batch_events(9);
    copy.run().await.unwrap();
    target.inner.close().await.unwrap();
}

#[tokio::test]
async fn a_copy_that_is_killed_anywhere_goes_on_and_neither_loses_nor_doubles() {
    if let Some(task) = task() {
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
