//! What is read keeps little more in memory than it shows.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use crate::support::{append, stream};
use bytes::Bytes;
use eventstore_api::{
    AppendBatch, EventFilter, EventStoreBackend, EventType, ExpectedVersion, NewEvent, ReadAll,
    RecordedEvent, StreamId, StreamRange, Tags,
};
use eventstore_wal::{WalBackend, WalConfig};

/// How much memory a payload holds on to.
fn kept(payload: Bytes) -> usize {
    payload.try_into_mut().map_or(usize::MAX, |payload| payload.capacity())
}

fn kept_by_one(mut events: Vec<RecordedEvent>) -> usize {
    kept(events.swap_remove(events.len() / 2).payload)
}

fn small_event(tag: &str) -> NewEvent {
    let tags = Tags::parse([tag.to_owned()]).unwrap();
    NewEvent::new(EventType::new("Small").unwrap(), "few bytes").with_tags(tags)
}

#[tokio::test]
async fn an_event_that_was_appended_with_large_ones_is_read_without_them() {
    let directory = tempfile::tempdir().unwrap();
    let store = WalBackend::production(directory.path()).unwrap();
    let hot = StreamId::new("hot").unwrap();
    for number in 0..3 {
        let large = NewEvent::new(EventType::new("Large").unwrap(), vec![number; 1 << 20]);
        let batch = AppendBatch::new()
            .append(hot.clone(), ExpectedVersion::Any, vec![small_event("kind:hot")])
            .append(stream(1), ExpectedVersion::Any, vec![large]);
        store.append_all(batch).await.unwrap();
    }
    let of_stream = store.read_stream(&hot, StreamRange::all()).await.unwrap().events;
    assert_eq!(of_stream.len(), 3);
    assert!(kept_by_one(of_stream) < 100);
    for query in [ReadAll::forward(), ReadAll::backward()] {
        let filter = EventFilter::tagged(Tags::parse(["kind:hot".to_owned()]).unwrap());
        let tagged = store.read_all(&query.filter(filter)).await.unwrap().events;
        assert_eq!(tagged.len(), 3);
        assert!(kept_by_one(tagged) < 100);
    }
}

/// Frames that stand together are read together.
#[tokio::test]
async fn a_rare_event_is_read_without_its_neighbours() {
    let directory = tempfile::tempdir().unwrap();
    let config = WalConfig { cache_bytes: 0, ..WalConfig::default() };
    let store = WalBackend::with_config(directory.path(), config).unwrap();
    append(&store, 0..500).await;
    store.append(&stream(1), ExpectedVersion::Any, vec![small_event("kind:rare")]).await.unwrap();
    append(&store, 500..1_000).await;
    let rare = EventFilter::types([EventType::new("Small").unwrap()]);
    let found = store.read_all(&ReadAll::forward().filter(rare)).await.unwrap().events;
    assert_eq!(found.len(), 1);
    assert!(kept_by_one(found) < 100);
}
