//! A backend whose clock the test sets.

use allframe_cqrs::{
    EventStoreBackend, InMemoryBackend, ReadAll, StreamId, StreamRange, Timestamp,
    api::{Page, RecordedEvent, Result, StreamPage},
    async_trait,
};
use eventstore_conformance::intercept::{Intercepted, Interceptor};

/// An in-memory backend on which the event at the first position was recorded at the first of these seconds, and so on; what
/// comes later was recorded with the last.
pub(crate) struct Clocked {
    inner: InMemoryBackend,
    seconds: Vec<i64>,
}

impl Clocked {
    pub(crate) fn new(seconds: impl Into<Vec<i64>>) -> Intercepted<Self> {
        Intercepted(Self { inner: InMemoryBackend::new(), seconds: seconds.into() })
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
impl Interceptor for Clocked {
    fn store(&self) -> impl EventStoreBackend {
        self.inner.clone()
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
}
