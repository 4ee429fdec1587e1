//! What a crash has left whole at the end of a log, and nothing says to be durable.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use eventstore_api::EventStoreBackend;
use eventstore_wal::{Durability, WalBackend, WalConfig, WalReader, verify};
use tempfile::TempDir;

use crate::support::{append, copy, count_from_the_first, open, small};

/// A store that was written without syncs, as a crash of its process leaves it.
async fn crashed_without_syncs(events: usize) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let config = WalConfig { durability: Durability::OsBuffered, ..small() };
    let store = WalBackend::with_config(directory.path(), config).unwrap();
    append(&store, 0..events).await;
    copy(directory.path())
}

#[tokio::test]
async fn what_a_crash_has_left_unproven_is_counted_and_shown_once_it_was_opened_for_writing() {
    let crashed = crashed_without_syncs(20).await;
    let reader = WalReader::open(crashed.path()).unwrap();
    let shown = reader.head().await.unwrap().get();
    assert!(shown < 20);
    assert_eq!(reader.unproven().await.unwrap(), 20 - shown);
    let report = verify(crashed.path()).unwrap();
    assert!(report.is_sound(), "{report:?}");
    let note = format!("the last {} of the events are whole, but nothing says", 20 - shown);
    assert!(report.notes.iter().any(|it| it.starts_with(&note)), "{report:?}");

    let store = open(crashed.path());
    assert_eq!(reader.unproven().await.unwrap(), 0);
    assert_eq!(count_from_the_first(&reader.get_all_events().await.unwrap()), 20);
    store.close().await.unwrap();
    assert_eq!(verify(crashed.path()).unwrap().notes, [""; 0]);
}

#[tokio::test]
async fn what_is_not_durable_yet_of_a_store_that_is_open_is_not_counted() {
    let crashed = crashed_without_syncs(20).await;
    let config = WalConfig { durability: Durability::OsBuffered, ..small() };
    let store = WalBackend::with_config(crashed.path(), config).unwrap();
    append(&store, 20..40).await;
    let reader = WalReader::open(crashed.path()).unwrap();
    assert_eq!(reader.unproven().await.unwrap(), 0);
}
