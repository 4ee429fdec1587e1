use std::{
    future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use allframe_cqrs::{
    Appended, BackendStats, EventStoreBackend, GlobalPosition, InMemoryBackend, ReadAll, StoreError,
    StreamId, StreamRange,
    api::{AppendBatch, Page, RecordedEvent, Result, Snapshot, StreamPage},
    async_trait,
};

use crate::chance::Chance;

/// A way to a store that can be cut, be long, or lose what goes along it.
#[derive(Clone, Default)]
pub(crate) struct Way {
    inner: InMemoryBackend,
    is_cut: Arc<AtomicBool>,
    /// How long the answer is under way that the log holds nothing.
    delay: Arc<Mutex<Duration>>,
    luck: Option<Arc<Mutex<Chance>>>,
    appends: Arc<AtomicUsize>,
    snapshots: Arc<AtomicUsize>,
    events_read: Arc<AtomicUsize>,
}

impl Way {
    pub(crate) fn to(inner: &InMemoryBackend) -> Self {
        Self { inner: inner.clone(), ..Self::default() }
    }

    /// The same, on which every tenth request fails: it does not arrive, or its answer does not.
    pub(crate) fn with_losses(mut self, seed: u64) -> Self {
        self.luck = Some(Arc::new(Mutex::new(Chance(seed))));
        self
    }

    pub(crate) fn is_lossy(&self) -> bool {
        self.luck.is_some()
    }

    pub(crate) fn cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
    }

    pub(crate) fn mend(&self) {
        self.is_cut.store(false, Ordering::SeqCst);
    }

    /// From now on, that the log holds nothing is told so much later.
    pub(crate) fn tell_late_of_nothing(&self, delay: Duration) {
        *self.delay.lock().unwrap() = delay;
    }

    /// How many appends were tried.
    pub(crate) fn appends(&self) -> usize {
        self.appends.load(Ordering::SeqCst)
    }

    /// How many snapshots were to be saved.
    pub(crate) fn snapshots(&self) -> usize {
        self.snapshots.load(Ordering::SeqCst)
    }

    /// How many events of the log were read since this was asked last.
    pub(crate) fn take_events_read(&self) -> usize {
        self.events_read.swap(0, Ordering::SeqCst)
    }

    fn open(&self) -> Result<&InMemoryBackend> {
        match self.is_cut.load(Ordering::SeqCst) || self.is_lost() {
            true => Err(StoreError::unavailable("the way is cut")),
            false => Ok(&self.inner),
        }
    }

    fn is_lost(&self) -> bool {
        self.luck.as_ref().is_some_and(|luck| luck.lock().unwrap().below(10) == 0)
    }
}

#[async_trait]
impl EventStoreBackend for Way {
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        self.appends.fetch_add(1, Ordering::SeqCst);
        let appended = self.open()?.append_all(batch).await?;
        match self.is_lost() {
            true => Err(StoreError::outcome_unknown("the answer was lost")),
            false => Ok(appended),
        }
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        self.open()?.read_stream(stream, range).await
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        let page = self.open()?.read_all(query).await?;
        self.events_read.fetch_add(page.events.len(), Ordering::SeqCst);
        let delay = *self.delay.lock().unwrap();
        if page.events.is_empty() && !delay.is_zero() {
            let _ = tokio::time::timeout(delay, future::pending::<()>()).await;
        }
        Ok(page)
    }

    async fn wait_past(&self, position: GlobalPosition) -> Result<GlobalPosition> {
        self.open()?.wait_past(position).await
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()> {
        self.snapshots.fetch_add(1, Ordering::SeqCst);
        self.open()?.save_snapshot(snapshot).await
    }

    async fn get_latest_snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>> {
        self.open()?.get_latest_snapshot(stream).await
    }

    async fn list_snapshots(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamId>> {
        self.open()?.list_snapshots(after, limit).await
    }
    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()> {
        self.open()?.restore(events).await
    }
    async fn stats(&self) -> Result<BackendStats> {
        self.open()?.stats().await
    }
}
