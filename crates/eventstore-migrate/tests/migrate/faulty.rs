//! Stores with which something is not as it should be.

use std::{
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use eventstore_api::{
    AppendBatch, Appended, BackendStats, EventStoreBackend, GlobalPosition, Page, ReadAll, RecordedEvent,
    Result, Snapshot, StoreError, StreamId, StreamPage, StreamRange,
};
use eventstore_memory::InMemoryBackend;
use tokio::sync::Notify;

/// The store in memory, whose pages are changed on their way, and some of whose answers are lost.
pub(crate) struct Faulty {
    inner: InMemoryBackend,
    on_its_way: Box<dyn Fn(Page) -> Page + Send + Sync>,
    /// Of so many answers to whoever restores, one is lost.
    loses_one_of: Option<u64>,
    answers: AtomicU64,
    flushes: AtomicU64,
    /// Whom the second flush tells that it is under way, and what it waits for then.
    flush: Option<(Arc<Notify>, Arc<Notify>)>,
}

impl Faulty {
    fn new(inner: &InMemoryBackend, on_its_way: impl Fn(Page) -> Page + Send + Sync + 'static) -> Self {
        let (on_its_way, answers) = (Box::new(on_its_way), AtomicU64::new(0));
        Self {
            inner: inner.clone(),
            on_its_way,
            loses_one_of: None,
            answers,
            flushes: AtomicU64::new(0),
            flush: None,
        }
    }

    /// Without the events of these positions.
    pub(crate) fn with_holes(inner: &InMemoryBackend, gone: RangeInclusive<u64>) -> Self {
        Self::new(inner, move |mut page| {
            page.events.retain(|event| !gone.contains(&event.position.get()));
            page
        })
    }

    /// Whose event of this position has another payload.
    pub(crate) fn changed_at(inner: &InMemoryBackend, position: u64) -> Self {
        Self::new(inner, move |mut page| {
            for event in &mut page.events {
                if event.position == GlobalPosition::new(position) {
                    event.payload = "changed".into();
                }
            }
            page
        })
    }

    /// Which stores what is restored and does not say so, or does not store it and does not say so, or does both, in turn.
    pub(crate) fn that_loses_answers(inner: &InMemoryBackend) -> Self {
        Self { loses_one_of: Some(3), ..Self::new(inner, |page| page) }
    }

    /// Which tells the one that somebody flushes it for the second time, and waits for the other before it has: the first is
    /// that of the page on which everything is brought, and the second that of the last moment.
    pub(crate) fn that_flushes(inner: &InMemoryBackend, begun: &Arc<Notify>, go_on: &Arc<Notify>) -> Self {
        let flush = Some((Arc::clone(begun), Arc::clone(go_on)));
        Self { flush, ..Self::new(inner, |page| page) }
    }
}

#[async_trait]
impl EventStoreBackend for Faulty {
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        self.inner.append_all(batch).await
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        self.inner.read_stream(stream, range).await
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        self.inner.read_all(query).await.map(&self.on_its_way)
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
        let number = self.answers.fetch_add(1, Ordering::Relaxed);
        let Some(of) = self.loses_one_of else { return self.inner.restore(events).await };
        match number % of {
            0 => {
                self.inner.restore(events).await?;
                Err(StoreError::outcome_unknown("the line went dead behind the commit"))
            }
            1 => Err(StoreError::outcome_unknown("the line went dead before the commit")),
            _ => self.inner.restore(events).await,
        }
    }

    async fn flush(&self) -> Result<()> {
        let is_second = self.flushes.fetch_add(1, Ordering::Relaxed) == 1;
        if let Some((begun, go_on)) = self.flush.as_ref().filter(|_| is_second) {
            begun.notify_one();
            go_on.notified().await;
        }
        // A flush of a real store takes its time.
        tokio::task::yield_now().await;
        Ok(())
    }

    async fn stats(&self) -> Result<BackendStats> {
        self.inner.stats().await
    }
}
