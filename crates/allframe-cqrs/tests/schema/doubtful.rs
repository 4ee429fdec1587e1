//! A store that does not always know what it has done.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use allframe_cqrs::{
    BackendStats, EventStore, EventStoreBackend, GlobalPosition, InMemoryBackend, ReadAll, StoreError,
    StreamId, StreamRange,
    api::{AppendBatch, Appended, Page, RecordedEvent, Result, Snapshot, StreamPage},
    async_trait,
    schema::SchemaCheck,
};

use crate::programs::programs;

programs! {
    second {
        #[event(schema, version = 2)]
        pub struct Deposited { pub amount: u64, #[added(version = 2, default = "EUR")] pub currency: String }
    }
}

/// The first appends happen, or not, and nobody knows.
struct Doubtful {
    inner: InMemoryBackend,
    doubtful: AtomicU32,
    happens: Happens,
}

#[derive(Clone, Copy, PartialEq)]
enum Happens {
    Always,
    WhenItIsKnown,
}

#[async_trait]
impl EventStoreBackend for Doubtful {
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        let is_doubtful = self.doubtful.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok();
        if is_doubtful && self.happens == Happens::WhenItIsKnown {
            return Err(StoreError::outcome_unknown("the connection was lost"));
        }
        let appended = self.inner.append_all(batch).await?;
        match is_doubtful {
            true => Err(StoreError::outcome_unknown("the connection was lost")),
            false => Ok(appended),
        }
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        self.inner.read_stream(stream, range).await
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        self.inner.read_all(query).await
    }

    async fn wait_past(&self, position: GlobalPosition) -> Result<GlobalPosition> {
        self.inner.wait_past(position).await
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()> {
        self.inner.save_snapshot(snapshot).await
    }

    async fn get_latest_snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>> {
        self.inner.get_latest_snapshot(stream).await
    }

    async fn list_snapshots(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamId>> {
        self.inner.list_snapshots(after, limit).await
    }
    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()> {
        self.inner.restore(events).await
    }
    async fn stats(&self) -> Result<BackendStats> {
        self.inner.stats().await
    }
}

#[tokio::test]
async fn what_is_not_known_to_be_registered_is_looked_up_and_stands_there_once() {
    for happens in [Happens::Always, Happens::WhenItIsKnown] {
        let backend =
            Arc::new(Doubtful { inner: InMemoryBackend::new(), doubtful: AtomicU32::new(3), happens });
        let store = EventStore::<second::Deposited, _>::with_backend(Arc::clone(&backend));
        store.check_schemas(SchemaCheck::default()).await.unwrap();
        assert_eq!(backend.stats().await.unwrap().total_events, 2);
    }
}
