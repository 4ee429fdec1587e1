use async_trait::async_trait;
use eventstore_api::{
    Appended, BackendStats, EventStoreBackend, ExpectedVersion, NewEvent, RecordedEvent, StreamId,
};

/// Calls that no case means to fail: what goes wrong is a panic that says so.
#[async_trait]
pub(crate) trait Sure: EventStoreBackend {
    /// Appends without a guard.
    async fn put(&self, stream: &StreamId, events: Vec<NewEvent>) -> Appended {
        match self.append(stream, ExpectedVersion::Any, events).await {
            Ok(outcome) => outcome,
            Err(error) => panic!("appending to {stream} without a guard failed: {error:?}"),
        }
    }

    /// The whole stream.
    async fn stored(&self, stream: &StreamId) -> Vec<RecordedEvent> {
        match self.get_events(stream).await {
            Ok(events) => events,
            Err(error) => panic!("reading {stream} failed: {error:?}"),
        }
    }

    /// The counts.
    async fn counts(&self) -> BackendStats {
        match self.stats().await {
            Ok(stats) => stats,
            Err(error) => panic!("counting failed: {error:?}"),
        }
    }
}

impl<B: EventStoreBackend + ?Sized> Sure for B {}
