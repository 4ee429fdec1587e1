//! Events of one type, stored as they once were, and read as another.

use allframe_cqrs::{
    Event, EventStore, ExpectedVersion, InMemoryBackend, PayloadCodec, Result, StreamId, VersionRegistry,
    api::{AppendBatch, Encoding, EventStoreBackend, EventType, NewEvent},
};

/// A store in which these events are.
pub(crate) async fn stored<E: Event>(events: Vec<E>) -> InMemoryBackend {
    stored_with(PayloadCodec::Json, events).await
}

pub(crate) async fn stored_with<E: Event>(codec: PayloadCodec, events: Vec<E>) -> InMemoryBackend {
    let backend = InMemoryBackend::new();
    EventStore::with_backend(backend.clone()).with_codec(codec).append("s", events).await.unwrap();
    backend
}

/// A store in which one event of this name and schema version has this payload.
pub(crate) async fn stored_json(
    event_type: &'static str,
    schema_version: u32,
    payload: &str,
) -> InMemoryBackend {
    let backend = InMemoryBackend::new();
    append_json(&backend, event_type, schema_version, payload).await;
    backend
}

pub(crate) async fn append_json(
    backend: &InMemoryBackend,
    event_type: &'static str,
    schema_version: u32,
    payload: &str,
) {
    let event = NewEvent::new(EventType::new(event_type).unwrap(), payload.to_owned())
        .with_schema_version(schema_version)
        .with_encoding(Encoding::JSON);
    let stream = StreamId::new("s").unwrap();
    backend.append_all(AppendBatch::single(stream, ExpectedVersion::Any, vec![event])).await.unwrap();
}

pub(crate) async fn read<E: Event>(backend: &InMemoryBackend) -> Result<Vec<E>> {
    EventStore::with_backend(backend.clone()).get_events("s").await
}

pub(crate) async fn read_with<E: Event>(
    backend: &InMemoryBackend,
    versions: VersionRegistry<E>,
) -> Result<Vec<E>> {
    EventStore::with_backend(backend.clone()).with_versions(versions)?.get_events("s").await
}

/// An error with all its causes, as people read it.
pub(crate) fn told(error: impl Into<String>) -> String {
    error.into()
}
