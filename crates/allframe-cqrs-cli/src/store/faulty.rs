//! For tests: a store that does not do what it is asked for.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use eventstore_api::{
    AppendBatch, Appended, BackendStats, EventStoreBackend, EventType, ExpectedVersion, GlobalPosition,
    NewEvent, Page, ReadAll, RecordedEvent, Result, Snapshot, StoreError, StreamId, StreamPage, StreamRange,
};
use eventstore_memory::InMemoryBackend;

/// What a store is asked for, and the how-manieth time; the first is 0.
#[derive(Clone, Copy)]
pub(crate) enum Asked {
    Append(usize),
    ReadAll(usize),
    Restore(usize),
    Close,
}

/// The store in memory, some of whose answers are other ones. An append has happened all the same.
pub(crate) struct Faulty {
    inner: InMemoryBackend,
    fault: fn(Asked) -> Option<StoreError>,
    appends: AtomicUsize,
    reads: AtomicUsize,
    restores: AtomicUsize,
}

impl Faulty {
    pub(crate) fn new(inner: InMemoryBackend, fault: fn(Asked) -> Option<StoreError>) -> Arc<Self> {
        let none = AtomicUsize::default;
        Arc::new(Self { inner, fault, appends: none(), reads: none(), restores: none() })
    }

    fn fault(&self, asked: impl FnOnce(usize) -> Asked, times: &AtomicUsize) -> Result<()> {
        (self.fault)(asked(times.fetch_add(1, Ordering::Relaxed))).map_or(Ok(()), Err)
    }
}

/// A store with so many events, each in a stream of its own and of so many bytes.
pub(crate) async fn store_of(events: usize, bytes: usize) -> InMemoryBackend {
    let store = InMemoryBackend::new();
    for number in 0..events {
        let stream = StreamId::new(format!("s{number}")).unwrap();
        let event = NewEvent::new(EventType::new("T").unwrap(), vec![b'x'; bytes]);
        store.append(&stream, ExpectedVersion::NoStream, vec![event]).await.unwrap();
    }
    store
}

#[async_trait]
impl EventStoreBackend for Faulty {
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        let answer = self.inner.append_all(batch).await?;
        self.fault(Asked::Append, &self.appends).map(|()| answer)
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        self.inner.read_stream(stream, range).await
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        self.fault(Asked::ReadAll, &self.reads)?;
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
        self.fault(Asked::Restore, &self.restores)?;
        self.inner.restore(events).await
    }

    async fn stats(&self) -> Result<BackendStats> {
        self.inner.stats().await
    }

    async fn head(&self) -> Result<GlobalPosition> {
        self.inner.head().await
    }

    async fn close(&self) -> Result<()> {
        (self.fault)(Asked::Close).map_or(Ok(()), Err)
    }
}
