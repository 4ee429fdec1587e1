//! Snapshots save time and decide nothing.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::{convert::Infallible, time::Duration};

use crate::support::Watched;
use allframe_cqrs::{
    Aggregate, EventStore, EventStoreBackend, PayloadCodec, Repository, SnapshotPolicy, StreamId, Version,
    api::{Encoding, EventType, Snapshot},
    event,
};
use eventstore_conformance::intercept::Intercepted;
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Serialize, Deserialize)]
struct Counted;

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Counter {
    count: u64,
}

impl Aggregate for Counter {
    type Event = Counted;

    fn apply_event(&mut self, _: &Counted) {
        self.count += 1;
    }

    fn snapshot_version() -> u32 {
        3
    }
}

fn one_more(_: &Counter) -> Result<Vec<Counted>, Infallible> {
    Ok(vec![Counted])
}

fn counters(
    backend: Intercepted<Watched>,
    policy: SnapshotPolicy,
) -> Repository<Counter, Intercepted<Watched>> {
    Repository::new(EventStore::with_backend(backend)).with_snapshots(policy)
}

fn stream() -> StreamId {
    StreamId::new("counter-1").unwrap()
}

async fn snapshot_of(counters: &Repository<Counter, Intercepted<Watched>>) -> Option<Snapshot> {
    counters.store().backend().get_latest_snapshot(&stream()).await.unwrap()
}

/// A snapshot that says 1000 whatever the events say, so that using it shows.
fn telling(version: u64) -> Snapshot {
    let name = EventType::new(Counter::state_type()).unwrap();
    Snapshot::new(stream(), Version::new(version), name, r#"{"count":1000}"#)
        .with_encoding(Encoding::JSON)
        .with_schema_version(3)
}

/// What a repository makes of ten events and this snapshot.
async fn count_with(snapshot: Snapshot) -> u64 {
    let counters = counters(Watched::new(), SnapshotPolicy::never());
    counters.store().append("counter-1", vec![Counted; 10]).await.unwrap();
    counters.store().backend().save_snapshot(snapshot).await.unwrap();
    let loaded = counters.load("counter-1").await.unwrap();
    assert_eq!(loaded.version, Version::new(10));
    loaded.aggregate.count
}

#[tokio::test]
async fn a_snapshot_is_taken_when_so_many_events_have_come_since_the_last() {
    let counters = counters(Watched::new(), SnapshotPolicy::after_events(3));
    let mut taken_at = Vec::new();
    for _ in 0..8 {
        counters.execute("counter-1", one_more).await.unwrap();
        taken_at.push(snapshot_of(&counters).await.map_or(0, |snapshot| snapshot.version.get()));
    }
    assert_eq!(taken_at, [0, 0, 3, 3, 3, 6, 6, 6]);
}

#[tokio::test]
async fn a_snapshot_says_what_it_is_of() {
    let counters = counters(Watched::new(), SnapshotPolicy::after_events(1));
    counters.execute("counter-1", one_more).await.unwrap();
    let snapshot = snapshot_of(&counters).await.unwrap();
    assert_eq!((snapshot.state_type.as_str(), snapshot.schema_version), (Counter::state_type(), 3));
    assert_eq!((snapshot.encoding, &snapshot.payload[..]), (Encoding::JSON, &br#"{"count":1}"#[..]));
}

#[tokio::test]
async fn loading_starts_from_the_snapshot_and_reads_only_what_came_after() {
    let counters = counters(Watched::new(), SnapshotPolicy::after_events(100));
    counters.store().append("counter-1", vec![Counted; 99]).await.unwrap();
    counters.execute("counter-1", one_more).await.unwrap();
    counters.store().append("counter-1", vec![Counted; 5]).await.unwrap();
    counters.store().backend().take_events_read();

    let loaded = counters.load("counter-1").await.unwrap();
    assert_eq!((loaded.aggregate.count, loaded.version), (105, Version::new(105)));
    let read = counters.store().backend().take_events_read();
    assert!(read <= 5 + 1, "{read} events for the five after the snapshot and the one it stands on");
}

#[tokio::test]
async fn deciding_starts_from_the_snapshot_too() {
    let counters = counters(Watched::new(), SnapshotPolicy::after_events(50));
    counters.store().append("counter-1", vec![Counted; 49]).await.unwrap();
    counters.execute("counter-1", one_more).await.unwrap();
    counters.store().backend().take_events_read();
    let done = counters.execute("counter-1", one_more).await.unwrap();
    assert_eq!((done.aggregate.count, done.version), (51, Version::new(51)));
    assert!(counters.store().backend().take_events_read() <= 1);
}

#[tokio::test]
async fn a_snapshot_is_taken_when_loading_was_slow_and_not_when_nothing_has_come() {
    let counters = counters(Watched::new(), SnapshotPolicy::load_slower_than(Duration::ZERO));
    counters.execute("counter-1", one_more).await.unwrap();
    assert_eq!(snapshot_of(&counters).await.unwrap().version, Version::new(1));

    let policy = SnapshotPolicy::load_slower_than(Duration::from_secs(3_600));
    let counters = self::counters(Watched::new(), policy);
    counters.execute("counter-1", one_more).await.unwrap();
    assert_eq!(snapshot_of(&counters).await, None);
}

#[tokio::test]
async fn a_decision_without_events_takes_no_snapshot() {
    let counters = counters(Watched::new(), SnapshotPolicy::after_events(1));
    counters.store().append("counter-1", vec![Counted; 5]).await.unwrap();
    counters.execute("counter-1", |_| Ok::<_, Infallible>(vec![])).await.unwrap();
    assert_eq!(snapshot_of(&counters).await, None);
}

#[tokio::test]
async fn without_a_policy_no_snapshot_is_taken_and_those_that_are_there_are_used() {
    let counters = counters(Watched::new(), SnapshotPolicy::never());
    counters.store().append("counter-1", vec![Counted; 500]).await.unwrap();
    counters.execute("counter-1", one_more).await.unwrap();
    assert_eq!(snapshot_of(&counters).await, None);
    assert_eq!(count_with(telling(10)).await, 1_000);
    assert_eq!(count_with(telling(4)).await, 1_006);
}

#[tokio::test]
async fn a_repository_that_knows_nothing_of_snapshots_looks_at_none() {
    let counters = Repository::<Counter, _>::new(EventStore::with_backend(Watched::new()));
    counters.store().append("counter-1", vec![Counted; 10]).await.unwrap();
    counters.store().backend().save_snapshot(telling(10)).await.unwrap();
    assert_eq!(counters.load("counter-1").await.unwrap().aggregate.count, 10);
}

#[tokio::test]
async fn a_snapshot_that_is_ahead_of_its_stream_is_not_used() {
    assert_eq!(count_with(telling(11)).await, 10);
    assert_eq!(count_with(telling(u64::MAX)).await, 10);
}

#[tokio::test]
async fn a_snapshot_of_another_version_of_the_aggregate_is_not_used() {
    assert_eq!(count_with(telling(10).with_schema_version(2)).await, 10);
    assert_eq!(count_with(telling(10).with_schema_version(4)).await, 10);
}

#[tokio::test]
async fn a_snapshot_of_another_aggregate_is_not_used() {
    let mut snapshot = telling(10);
    snapshot.state_type = EventType::new("Meter").unwrap();
    assert_eq!(count_with(snapshot).await, 10);
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_read_is_not_used() {
    for payload in ["", "no json", r#"{"count":-1}"#, r#"{"count":1}}"#] {
        let mut snapshot = telling(10);
        snapshot.payload = payload.into();
        assert_eq!(count_with(snapshot).await, 10, "{payload}");
    }
    assert_eq!(count_with(telling(10).with_encoding(Encoding::new(200))).await, 10);
}

#[tokio::test]
async fn a_snapshot_that_was_not_used_is_replaced_when_the_next_is_due() {
    let counters = counters(Watched::new(), SnapshotPolicy::after_events(2));
    counters.store().append("counter-1", vec![Counted; 10]).await.unwrap();
    counters.store().backend().save_snapshot(telling(10).with_schema_version(2)).await.unwrap();
    counters.execute("counter-1", one_more).await.unwrap();
    let snapshot = snapshot_of(&counters).await.unwrap();
    assert_eq!((snapshot.version, snapshot.schema_version), (Version::new(11), 3));
    assert_eq!(counters.load("counter-1").await.unwrap().aggregate.count, 11);
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_saved_does_not_fail_the_command() {
    let counters = counters(Watched::without_room_for_snapshots(), SnapshotPolicy::after_events(1));
    let done = counters.execute("counter-1", one_more).await.unwrap();
    assert_eq!((done.aggregate.count, done.version), (1, Version::new(1)));
    assert_eq!(counters.store().get_events("counter-1").await.unwrap().len(), 1);
    assert_eq!(snapshot_of(&counters).await, None);
}

#[tokio::test]
async fn snapshots_follow_the_stores_codec_and_are_read_in_any() {
    let codecs = [
        PayloadCodec::Json,
        #[cfg(feature = "bincode")]
        PayloadCodec::Bincode,
    ];
    for codec in codecs {
        let store = EventStore::with_backend(Watched::new()).with_codec(codec);
        let counters =
            Repository::<Counter, _>::new(store.clone()).with_snapshots(SnapshotPolicy::after_events(10));
        for _ in 0..10 {
            counters.execute("counter-1", one_more).await.unwrap();
        }
        assert_eq!(snapshot_of(&counters).await.unwrap().encoding, codec.encoding());
        store.backend().take_events_read();
        let reader = Repository::<Counter, _>::new(store.with_codec(PayloadCodec::Json));
        let reader = reader.with_snapshots(SnapshotPolicy::never());
        assert_eq!(reader.load("counter-1").await.unwrap().aggregate.count, 10);
        assert!(reader.store().backend().take_events_read() <= 1);
    }
}
