//! Stores of which everything was restored, with times that no clock tells today.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "support/mod.rs"]
mod support;

use eventstore_api::{EventStoreBackend, GlobalPosition, Placement, RecordedEvent, Timestamp, Version};
use eventstore_wal::{Durability, WalBackend, WalConfig, verify};
use support::{event, open, small, stream};

/// Events that were recorded at these times, in turns in seven streams.
fn recorded(times: impl IntoIterator<Item = i64>) -> Vec<RecordedEvent> {
    let place = |(number, micros): (usize, i64)| {
        event(number).record(Placement {
            stream: stream(number % 7),
            version: Version::new(number as u64 / 7 + 1),
            position: GlobalPosition::new(number as u64 + 1),
            recorded_at: Timestamp::from_micros(micros),
        })
    };
    times.into_iter().enumerate().map(place).collect()
}

const BEFORE_1970: std::ops::Range<i64> = -600..0;

#[tokio::test]
async fn a_restore_of_events_before_1970_goes_on_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let all = recorded(BEFORE_1970);
    let store = open(directory.path());
    store.restore(all[..300].to_vec()).await.unwrap();
    store.close().await.unwrap();
    let store = open(directory.path());
    store.restore(all[300..].to_vec()).await.unwrap();
    assert_eq!(store.get_all_events().await.unwrap(), all);
}

#[tokio::test]
async fn a_restore_of_events_before_1970_goes_on_after_a_crash() {
    let directory = tempfile::tempdir().unwrap();
    let all = recorded(BEFORE_1970);
    let store = open(directory.path());
    store.restore(all[..300].to_vec()).await.unwrap();
    let crashed = support::copy(directory.path());
    let store = open(crashed.path());
    store.restore(all[300..].to_vec()).await.unwrap();
    assert_eq!(store.get_all_events().await.unwrap(), all);
}

#[tokio::test]
async fn verify_finds_nothing_wrong_with_events_before_1970() {
    for durability in [Durability::Always, Durability::OsBuffered] {
        let directory = tempfile::tempdir().unwrap();
        let store = WalBackend::with_config(directory.path(), WalConfig { durability, ..small() }).unwrap();
        store.restore(recorded(BEFORE_1970)).await.unwrap();
        store.close().await.unwrap();
        let report = verify(directory.path()).unwrap();
        assert_eq!((report.events, report.damages.first()), (600, None));
    }
}

#[tokio::test]
async fn verify_finds_nothing_wrong_with_times_at_both_ends() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let times = [0, 0, 1, i64::MAX - 1, i64::MAX, i64::MAX];
    store.restore(recorded(times)).await.unwrap();
    let before = store.head().await.unwrap();
    support::append(&store, 6..7).await;
    assert_eq!(store.get_all_events().await.unwrap()[6].recorded_at, Timestamp::from_micros(i64::MAX));
    assert!(store.head().await.unwrap() > before);
    store.close().await.unwrap();
    assert_eq!(verify(directory.path()).unwrap().damages, vec![]);
    let store = open(directory.path());
    support::append(&store, 7..8).await;
    assert_eq!(store.get_all_events().await.unwrap()[7].recorded_at, Timestamp::from_micros(i64::MAX));
}

#[tokio::test]
async fn a_reader_follows_what_is_restored() {
    let directory = tempfile::tempdir().unwrap();
    let all = recorded(BEFORE_1970);
    let store = open(directory.path());
    let reader = WalBackend::open_read_only(directory.path()).unwrap();
    for part in all.chunks(50) {
        store.restore(part.to_vec()).await.unwrap();
        let last = part[part.len() - 1].position;
        reader.wait_past(GlobalPosition::new(last.get() - 1)).await.unwrap();
        assert_eq!(reader.get_all_events().await.unwrap(), all[..last.get() as usize]);
    }
}

#[tokio::test]
async fn more_is_restored_at_once_than_may_wait_for_the_writer() {
    let directory = tempfile::tempdir().unwrap();
    let config = WalConfig { queue_bytes: 4 << 10, ..small() };
    let store = WalBackend::with_config(directory.path(), config).unwrap();
    let all = recorded(0..5_000);
    let restoring = store.restore(all.clone());
    let appending = support::append(&store, 5_000..5_001);
    let (restored, ()) = tokio::join!(restoring, appending);
    // Whoever was first, the other has his place behind or is refused.
    let stored = store.get_all_events().await.unwrap();
    assert!(restored.is_err() || stored.len() == 5_001, "{restored:?}");
    store.close().await.unwrap();
    assert_eq!(verify(directory.path()).unwrap().damages, vec![]);
}

#[cfg(feature = "parquet")]
#[tokio::test]
async fn what_was_restored_is_the_same_from_the_archive() {
    use eventstore_wal::ArchivePolicy;
    for times in [BEFORE_1970, 0..600] {
        let directory = tempfile::tempdir().unwrap();
        let all = recorded(times);
        let policy = ArchivePolicy { keep_segments: Some(0), ..ArchivePolicy::default() };
        let store = WalBackend::with_archive(directory.path(), small(), policy).unwrap();
        store.restore(all.clone()).await.unwrap();
        store.archive_now().await.unwrap();
        assert!(!support::files(directory.path(), ".parquet").is_empty(), "nothing is archived");
        assert_eq!(store.get_all_events().await.unwrap(), all);
        store.close().await.unwrap();
        assert_eq!(verify(directory.path()).unwrap().damages.first(), None);
        assert_eq!(open(directory.path()).get_all_events().await.unwrap(), all);
    }
}
