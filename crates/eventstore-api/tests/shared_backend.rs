//! An `Arc` of a backend, also behind `dyn`, is the backend: what it does better than the provided way is not lost.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::sync::Arc;

use async_trait::async_trait;
use eventstore_api::{
    AppendBatch, Appended, BackendStats, EventStoreBackend, ExpectedVersion, GlobalPosition, NewEvent, Page,
    ReadAll, RecordedEvent, Result, Snapshot, StoreError, StreamId, StreamPage, StreamRange, Version,
};

/// Answers every call with its own name.
struct Named;

fn named<T>(name: &'static str) -> Result<T> {
    Err(StoreError::storage(name))
}

#[async_trait]
impl EventStoreBackend for Named {
    async fn append_all(&self, _: AppendBatch) -> Result<Vec<Appended>> {
        named("append_all")
    }
    async fn read_stream(&self, _: &StreamId, _: StreamRange) -> Result<StreamPage> {
        named("read_stream")
    }
    async fn read_all(&self, _: &ReadAll) -> Result<Page> {
        named("read_all")
    }
    async fn wait_past(&self, _: GlobalPosition) -> Result<GlobalPosition> {
        named("wait_past")
    }
    async fn save_snapshot(&self, _: Snapshot) -> Result<()> {
        named("save_snapshot")
    }
    async fn get_latest_snapshot(&self, _: &StreamId) -> Result<Option<Snapshot>> {
        named("get_latest_snapshot")
    }
    async fn list_snapshots(&self, _: Option<&StreamId>, _: usize) -> Result<Vec<StreamId>> {
        named("list_snapshots")
    }
    async fn restore(&self, _: Vec<RecordedEvent>) -> Result<()> {
        named("restore")
    }
    async fn stats(&self) -> Result<BackendStats> {
        named("stats")
    }
    async fn append(&self, _: &StreamId, _: ExpectedVersion, _: Vec<NewEvent>) -> Result<Appended> {
        named("append")
    }
    async fn get_events(&self, _: &StreamId) -> Result<Vec<RecordedEvent>> {
        named("get_events")
    }
    async fn get_events_after(&self, _: &StreamId, _: Version) -> Result<Vec<RecordedEvent>> {
        named("get_events_after")
    }
    async fn get_all_events(&self) -> Result<Vec<RecordedEvent>> {
        named("get_all_events")
    }
    async fn head(&self) -> Result<GlobalPosition> {
        named("head")
    }
    async fn flush(&self) -> Result<()> {
        named("flush")
    }
    async fn close(&self) -> Result<()> {
        named("close")
    }
}

fn name<T>(answer: Result<T>) -> String {
    let Err(error) = answer else { return String::new() };
    String::from(error).replace("the storage failed: ", "")
}

#[tokio::test]
async fn passes_every_call_on() {
    let shared: Arc<dyn EventStoreBackend> = Arc::new(Named);
    let shared = Arc::new(shared);
    let stream = StreamId::new("s").unwrap();
    let state = eventstore_api::EventType::new("State").unwrap();
    let answers = [
        name(EventStoreBackend::append_all(&shared, AppendBatch::new()).await),
        name(EventStoreBackend::read_stream(&shared, &stream, StreamRange::all()).await),
        name(EventStoreBackend::read_all(&shared, &ReadAll::forward()).await),
        name(EventStoreBackend::wait_past(&shared, GlobalPosition::START).await),
        name(
            EventStoreBackend::save_snapshot(
                &shared,
                Snapshot::new(stream.clone(), Version::NONE, state, ""),
            )
            .await,
        ),
        name(EventStoreBackend::get_latest_snapshot(&shared, &stream).await),
        name(EventStoreBackend::list_snapshots(&shared, None, 1).await),
        name(EventStoreBackend::restore(&shared, vec![]).await),
        name(EventStoreBackend::stats(&shared).await),
        name(EventStoreBackend::append(&shared, &stream, ExpectedVersion::Any, vec![]).await),
        name(EventStoreBackend::get_events(&shared, &stream).await),
        name(EventStoreBackend::get_events_after(&shared, &stream, Version::NONE).await),
        name(EventStoreBackend::get_all_events(&shared).await),
        name(EventStoreBackend::head(&shared).await),
        name(EventStoreBackend::flush(&shared).await),
        name(EventStoreBackend::close(&shared).await),
    ];
    assert_eq!(
        answers,
        [
            "append_all",
            "read_stream",
            "read_all",
            "wait_past",
            "save_snapshot",
            "get_latest_snapshot",
            "list_snapshots",
            "restore",
            "stats",
            "append",
            "get_events",
            "get_events_after",
            "get_all_events",
            "head",
            "flush",
            "close",
        ]
    );
}
