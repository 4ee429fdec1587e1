//! Events to append.

use eventstore_api::{
    AppendBatch, Encoding, EventStoreBackend, EventType, ExpectedVersion, Metadata, NewEvent, RecordedEvent,
    StreamAppend, StreamId, Tags,
};
use eventstore_postgres::PostgresBackend;

pub(crate) fn stream(name: &str) -> StreamId {
    StreamId::new(name.to_owned()).unwrap()
}

pub(crate) fn event(number: usize) -> NewEvent {
    NewEvent::new(EventType::new("Counted").unwrap(), format!(r#"{{"number": {number}}}"#))
        .with_encoding(Encoding::JSON)
}

pub(crate) fn events(count: usize) -> Vec<NewEvent> {
    (0..count).map(event).collect()
}

pub(crate) fn batch(name: &str, expected: ExpectedVersion, events: Vec<NewEvent>) -> AppendBatch {
    AppendBatch::single(stream(name), expected, events)
}

pub(crate) fn append_of(name: &str, events: Vec<NewEvent>) -> StreamAppend {
    StreamAppend { stream: stream(name), expected: ExpectedVersion::Any, events }
}

/// One of everything that an event can hold.
pub(crate) fn motley() -> Vec<NewEvent> {
    let of = |payload: &[u8], encoding| {
        NewEvent::new(EventType::new("Einzahlung 'ß' \\ \"$1\"").unwrap(), payload.to_vec())
            .with_encoding(encoding)
    };
    let metadata = [("who", "ann; DROP TABLE event_log"), ("wo", "Köln {\"a\": 1}")];
    vec![
        of(br#"{"b": 1,  "a": [1.50, 1e2, null, "\u00e9\\"]}"#, Encoding::JSON),
        of(br#"{"nul": "\u0000"}"#, Encoding::JSON),
        of(b"not json", Encoding::JSON),
        of(b"", Encoding::JSON),
        of(b"", Encoding::BINARY),
        of(&(0..=255).collect::<Vec<u8>>(), Encoding::new(200)),
        of(b"{}", Encoding::JSON)
            .with_tags(Tags::parse(["a:b", "k:{\"x\",\\y}", "k:NULL", "k: z "]).unwrap())
            .with_metadata(Metadata::from_stored(metadata).unwrap())
            .with_schema_version(u32::MAX),
    ]
}

/// Everything that is in a store, by pages.
pub(crate) async fn all(store: &PostgresBackend) -> Vec<RecordedEvent> {
    store.get_all_events().await.unwrap()
}

/// What events hold, and where they stand, without the time.
pub(crate) fn places(events: &[RecordedEvent]) -> Vec<(u64, String, u64)> {
    let place = |event: &RecordedEvent| (event.position.get(), event.stream.to_string(), event.version.get());
    events.iter().map(place).collect()
}
