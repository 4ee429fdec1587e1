//! Whoever uses a store is answered in the end, and told the truth, whatever others do to it.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::time::Duration;

use crate::support::{append, event, small, stream};
use eventstore_api::{EventStoreBackend, ExpectedVersion, StoreError, message_with_causes};
use eventstore_wal::{Durability, WalBackend, WalConfig};
use tokio::task::JoinSet;

const PATIENCE: Duration = Duration::from_secs(60);
const MODES: [Durability; 3] =
    [Durability::Always, Durability::Interval(Duration::from_millis(2)), Durability::OsBuffered];

/// More than there is room for waits until it is alone, however the room is divided.
#[tokio::test]
async fn an_append_that_is_greater_than_the_room_gets_through() {
    for durability in MODES {
        for queue_bytes in [0, 1_000, 1_024, 1_500, 100_000] {
            let directory = tempfile::tempdir().unwrap();
            let config = WalConfig { durability, queue_bytes, ..small() };
            let store = WalBackend::with_config(directory.path(), config).unwrap();
            let events = || (0..3_000).map(event).collect();
            let appends = async {
                store.append(&stream(1), ExpectedVersion::Any, events()).await.unwrap();
                store.append(&stream(1), ExpectedVersion::Any, events()).await.unwrap();
            };
            tokio::time::timeout(PATIENCE, appends).await.unwrap();
        }
    }
}

/// Some are dropped at any point of their way; those that stay are answered, and what they were told is true.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn whoever_stays_is_answered_though_others_leave() {
    for durability in MODES {
        let directory = tempfile::tempdir().unwrap();
        let config = WalConfig { durability, queue_bytes: 1_024, ..small() };
        let store = WalBackend::with_config(directory.path(), config).unwrap();
        let mut staying = JoinSet::new();
        let mut leaving = JoinSet::new();
        for task in 0..16 {
            let (stays, leaves) = (store.clone(), store.clone());
            staying.spawn(async move {
                for number in 0..60 {
                    stays.append(&stream(task), ExpectedVersion::Any, vec![event(number)]).await.unwrap();
                }
            });
            leaving.spawn(async move { append(&leaves, 0..1_000).await });
        }
        leaving.spawn(async {
            std::future::pending::<()>().await;
        });
        let all = async {
            while let Some(done) = staying.join_next().await {
                done.unwrap();
                leaving.abort_all();
            }
        };
        tokio::time::timeout(PATIENCE, all).await.unwrap();
        for task in 0..16 {
            assert!(store.get_events(&stream(task)).await.unwrap().len() >= 60);
        }
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_store_that_is_closed_says_so_whatever_it_is_asked() {
    let directory = tempfile::tempdir().unwrap();
    let store = WalBackend::with_config(directory.path(), small()).unwrap();
    append(&store, 0..10).await;
    let (first, second) = tokio::join!(store.close(), store.close());
    assert_eq!((first.is_ok(), second.is_ok()), (true, true));

    let answers = [
        store.append(&stream(1), ExpectedVersion::Any, vec![event(1)]).await.map(drop),
        store.get_events(&stream(1)).await.map(drop),
        store.get_latest_snapshot(&stream(1)).await.map(drop),
        store.stats().await.map(drop),
        store.head().await.map(drop),
        store.flush().await,
    ];
    for answer in answers {
        assert!(matches!(answer, Err(StoreError::Closed)), "{answer:?}");
    }
}

/// A retry is looked for frame by frame, and not event by event in the same frame.
#[tokio::test(flavor = "multi_thread")]
async fn a_retry_of_a_large_batch_holds_nobody_up() {
    for durability in MODES {
        let store = WalBackend::with_config(
            tempfile::tempdir().unwrap().path(),
            WalConfig { durability, ..WalConfig::default() },
        )
        .unwrap();
        let events: Vec<_> = (0..30_000).map(event).collect();
        let first = store.append(&stream(1), ExpectedVersion::Any, events.clone()).await.unwrap();
        let stream = stream(1);
        let retry = store.append(&stream, ExpectedVersion::Any, events);
        assert_eq!(tokio::time::timeout(PATIENCE, retry).await.unwrap().unwrap(), first);
    }
}

/// Nobody waits for such a read any more, and so nobody waits for it to end.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_was_dropped_keeps_no_store_open() {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let config = WalConfig { durability: Durability::OsBuffered, ..WalConfig::default() };
        let store = WalBackend::with_config(directory.path(), config).unwrap();
        if round == 0 {
            store.append(&stream(1), ExpectedVersion::Any, (0..50_000).map(event).collect()).await.unwrap();
        }
        let stream = stream(1);
        let _ = tokio::time::timeout(Duration::from_micros(500), store.get_events(&stream)).await;
    }
}

/// Another file of that name is not the one that the first has locked.
#[cfg(unix)]
#[tokio::test]
async fn deleting_the_lock_file_lets_no_second_writer_in() {
    let directory = tempfile::tempdir().unwrap();
    let store = WalBackend::production(directory.path()).unwrap();
    append(&store, 0..10).await;
    std::fs::remove_file(directory.path().join("LOCK")).unwrap();
    let second = WalBackend::production(directory.path()).unwrap_err();
    assert!(matches!(second, StoreError::Unavailable { .. }), "{second:?}");
    store.close().await.unwrap();
    WalBackend::production(directory.path()).unwrap();
}

#[test]
fn a_file_is_no_directory() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("plain");
    std::fs::write(&file, "text").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = message_with_causes(&WalBackend::production(&path).unwrap_err());
        assert!(error.contains("not a directory"), "{error}");
    }
}
