//! A backend whose clock the test sets.

use allframe_cqrs::{
    Appended, BackendStats, EventStoreBackend, GlobalPosition, InMemoryBackend, ReadAll, StreamId,
    StreamRange, Timestamp,
    api::{AppendBatch, Page, RecordedEvent, Result, Snapshot, StreamPage},
    async_trait,
};

/// An in-memory backend on which the event at the first position was recorded at the first of these seconds, and so on; what
/// comes later was recorded with the last.
pub(crate) struct Clocked {
    inner: InMemoryBackend,
    seconds: Vec<i64>,
}

impl Clocked {
    pub(crate) fn new(seconds: impl Into<Vec<i64>>) -> Self {
        Self { inner: InMemoryBackend::new(), seconds: seconds.into() }
    }

    fn set(&self, events: &mut [RecordedEvent]) {
        for event in events {
            let index = usize::try_from(event.position.get()).unwrap() - 1;
            event.recorded_at = second(*self.seconds.get(index).or(self.seconds.last()).unwrap());
        }
    }
}

/// So many seconds after the beginning of time.
pub(crate) fn second(number: i64) -> Timestamp {
    Timestamp::from_micros(number * 1_000_000)
}

#[async_trait]
impl EventStoreBackend for Clocked {
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        self.inner.append_all(batch).await
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        let mut page = self.inner.read_stream(stream, range).await?;
        self.set(&mut page.events);
        Ok(page)
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        let mut page = self.inner.read_all(query).await?;
        self.set(&mut page.events);
        Ok(page)
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
