//! When what was appended becomes durable, as a reader in another process sees it.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::time::Duration;

use crate::support::append;
use eventstore_api::{EventStoreBackend, GlobalPosition};
use eventstore_wal::{Durability, WalBackend, WalConfig, WalReader};

/// How long something may take that does happen.
const PATIENCE: Duration = Duration::from_secs(30);
const LONG: Duration = Duration::from_secs(3_600);

fn open(path: &std::path::Path, durability: Durability) -> (WalBackend, WalReader) {
    let store = WalBackend::with_config(path, WalConfig { durability, ..WalConfig::default() }).unwrap();
    (store, WalReader::open(path).unwrap())
}

async fn seen_past(reader: &WalReader, position: u64) -> GlobalPosition {
    let seen = reader.wait_past(GlobalPosition::new(position));
    tokio::time::timeout(PATIENCE, seen).await.unwrap().unwrap()
}

#[tokio::test]
async fn an_append_that_is_acknowledged_is_durable_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let (store, reader) = open(directory.path(), Durability::Always);
    append(&store, 0..10).await;
    assert_eq!(reader.head().await.unwrap(), GlobalPosition::new(10));
}

#[tokio::test]
async fn within_the_interval_it_becomes_durable_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let (store, reader) = open(directory.path(), Durability::Interval(Duration::from_millis(5)));
    append(&store, 0..10).await;
    while seen_past(&reader, 0).await < GlobalPosition::new(10) {}
}

/// Also where there is never a moment without an append.
#[tokio::test(flavor = "multi_thread")]
async fn it_does_under_constant_load_too() {
    let directory = tempfile::tempdir().unwrap();
    let (store, reader) = open(directory.path(), Durability::Interval(Duration::from_millis(5)));
    let appending = tokio::spawn(async move {
        for first in (0..).step_by(7) {
            append(&store, first..first + 7).await;
        }
    });
    let mut seen = 0;
    for _ in 0..5 {
        seen = seen_past(&reader, seen).await.get();
    }
    appending.abort();
}

#[tokio::test]
async fn until_it_is_flushed_nobody_else_sees_what_the_system_has() {
    for durability in [Durability::Interval(LONG), Durability::OsBuffered] {
        let directory = tempfile::tempdir().unwrap();
        let (store, reader) = open(directory.path(), durability);
        append(&store, 0..10).await;
        assert_eq!(store.get_all_events().await.unwrap().len(), 10);
        assert_eq!(reader.head().await.unwrap(), GlobalPosition::START, "{durability:?}");
        store.flush().await.unwrap();
        assert_eq!(reader.head().await.unwrap(), GlobalPosition::new(10), "{durability:?}");
    }
}

#[tokio::test]
async fn closing_makes_it_durable_whatever_the_mode() {
    for durability in [Durability::Interval(LONG), Durability::OsBuffered] {
        let directory = tempfile::tempdir().unwrap();
        let (store, reader) = open(directory.path(), durability);
        append(&store, 0..10).await;
        store.close().await.unwrap();
        assert_eq!(reader.head().await.unwrap(), GlobalPosition::new(10), "{durability:?}");
    }
}

/// No interval is not no time at all: the store works, and does not keep a processor for itself.
#[tokio::test]
async fn an_interval_of_nothing_is_the_shortest_there_is() {
    let directory = tempfile::tempdir().unwrap();
    let (store, reader) = open(directory.path(), Durability::Interval(Duration::ZERO));
    append(&store, 0..10).await;
    while seen_past(&reader, 0).await < GlobalPosition::new(10) {}
}
