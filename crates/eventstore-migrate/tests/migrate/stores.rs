//! What is moved.

use eventstore_api::{
    AppendBatch, EventStoreBackend, EventType, ExpectedVersion, Metadata, NewEvent, Snapshot, StreamId, Tags,
    Version,
};

pub(crate) fn stream(name: &str) -> StreamId {
    StreamId::new(name.to_owned()).unwrap()
}

pub(crate) fn event(payload: &str) -> NewEvent {
    NewEvent::new(EventType::new("Happened").unwrap(), payload.to_owned())
        .with_metadata(Metadata::new().with_correlation_id("request-9"))
        .with_tags(Tags::parse(["kind:test"]).unwrap())
}

pub(crate) async fn append(store: &dyn EventStoreBackend, name: &str, count: usize) {
    let events = (0..count).map(|number| event(&format!("{name} {number}"))).collect();
    store.append(&stream(name), ExpectedVersion::Any, events).await.unwrap();
}

pub(crate) fn snapshot(name: &str, version: u64, state: &str) -> Snapshot {
    Snapshot::new(stream(name), Version::new(version), EventType::new("State").unwrap(), state.to_owned())
}

pub(crate) async fn save(store: &dyn EventStoreBackend, name: &str, version: u64) {
    let snapshot = snapshot(name, version, &format!("{name} at {version}"));
    store.save_snapshot(snapshot).await.unwrap();
}

/// Streams that take turns, appends over several of them, and snapshots with and without events.
pub(crate) async fn fill(store: &dyn EventStoreBackend) {
    for round in 0..20 {
        append(store, "a", 1 + round % 3).await;
        append(store, &format!("b-{}", round % 4), 2).await;
        let batch = AppendBatch::new()
            .append(stream("a"), ExpectedVersion::Any, vec![event("together")])
            .append(stream("c"), ExpectedVersion::Any, vec![event("with this"), event("and this")]);
        store.append_all(batch).await.unwrap();
    }
    for name in ["a", "b-0", "nobody"] {
        save(store, name, 5).await;
    }
}

/// That the one reads as the other.
pub(crate) async fn assert_same(one: &dyn EventStoreBackend, other: &dyn EventStoreBackend) {
    assert_eq!(one.get_all_events().await.unwrap(), other.get_all_events().await.unwrap());
    assert_eq!(one.stats().await.unwrap(), other.stats().await.unwrap());
    let names = one.list_snapshots(None, 1_000).await.unwrap();
    assert_eq!(names, other.list_snapshots(None, 1_000).await.unwrap());
    for name in names {
        assert_eq!(
            one.get_latest_snapshot(&name).await.unwrap(),
            other.get_latest_snapshot(&name).await.unwrap()
        );
    }
}
