//! For tests: a store that answers with errors.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use eventstore_api::{
    AppendBatch, Appended, EventStoreBackend, EventType, ExpectedVersion, GlobalPosition, NewEvent, Page,
    ReadAll, RecordedEvent, Result, StoreError, StreamId,
};
use eventstore_conformance::intercept::{Intercepted, Interceptor};
use eventstore_memory::InMemoryBackend;

use super::{Store, Target, target::Runs};

/// What a store is asked for, and the how-manieth time; the first is 0.
#[derive(Clone, Copy)]
pub(crate) enum Asked {
    Append(usize),
    ReadAll(usize),
    Restore(usize),
    Close,
}

/// The store in memory, which answers with an error where a test says so. An append has happened all the same.
pub(crate) struct Erring {
    inner: InMemoryBackend,
    fault: fn(Asked) -> Option<StoreError>,
    appends: AtomicUsize,
    reads: AtomicUsize,
    restores: AtomicUsize,
}

impl Erring {
    pub(crate) fn new(
        inner: InMemoryBackend,
        fault: fn(Asked) -> Option<StoreError>,
    ) -> Arc<Intercepted<Self>> {
        let none = AtomicUsize::default;
        Arc::new(Intercepted(Self { inner, fault, appends: none(), reads: none(), restores: none() }))
    }

    fn fault(&self, asked: impl FnOnce(usize) -> Asked, times: &AtomicUsize) -> Result<()> {
        (self.fault)(asked(times.fetch_add(1, Ordering::Relaxed))).map_or(Ok(()), Err)
    }
}

/// Where an import into this store goes.
pub(crate) fn target_of(store: Store) -> Box<dyn Target> {
    Box::new(Runs(store))
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
impl Interceptor for Erring {
    fn store(&self) -> impl EventStoreBackend {
        self.inner.clone()
    }

    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        let answer = self.inner.append_all(batch).await?;
        self.fault(Asked::Append, &self.appends).map(|()| answer)
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        self.fault(Asked::ReadAll, &self.reads)?;
        self.inner.read_all(query).await
    }

    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()> {
        self.fault(Asked::Restore, &self.restores)?;
        self.inner.restore(events).await
    }

    async fn head(&self) -> Result<GlobalPosition> {
        self.inner.head().await
    }

    async fn close(&self) -> Result<()> {
        (self.fault)(Asked::Close).map_or(Ok(()), Err)
    }
}
