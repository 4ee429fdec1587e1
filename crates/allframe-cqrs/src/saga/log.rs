use std::sync::Arc;

use eventstore_api::{
    AppendBatch, Appended, EventStoreBackend, ExpectedVersion, GlobalPosition, Metadata, NewEvent,
    RecordedEvent, StoreError, StreamId, StreamRange, Version,
};

use super::{SagaError, SagaEvent, SagaId, state::SagaState, telemetry::wrote};
use crate::{Error, EventStore, versioning::EventReader};

/// The streams of sagas.
pub(super) struct SagaLog {
    store: EventStore<SagaEvent, Arc<dyn EventStoreBackend>>,
}

/// A saga as its stream was when it was read.
pub(super) struct Loaded {
    pub(super) state: SagaState,
    pub(super) version: Version,
}

/// What became of an append.
pub(super) enum Written {
    At {
        version: Version,
        position: GlobalPosition,
    },
    /// Somebody else has written.
    Conflict,
}

impl SagaLog {
    pub(super) fn new(backend: Arc<dyn EventStoreBackend>) -> Self {
        Self { store: EventStore::with_backend(backend) }
    }

    pub(super) fn backend(&self) -> &Arc<dyn EventStoreBackend> {
        self.store.backend()
    }

    pub(super) fn reader(&self) -> &EventReader<SagaEvent> {
        self.store.reader()
    }

    /// A saga as it is now; in the phase [`Missing`](super::state::Phase::Missing) where there is none.
    pub(super) async fn load(&self, saga: &SagaId) -> Result<Loaded, SagaError> {
        let mut loaded = Loaded { state: SagaState::default(), version: Version::NONE };
        self.catch_up(saga, &mut loaded).await?;
        Ok(loaded)
    }

    async fn catch_up(&self, saga: &SagaId, loaded: &mut Loaded) -> Result<(), SagaError> {
        loop {
            let range = StreamRange::after(loaded.version);
            let page = self.backend().read_stream(saga.stream(), range).await.map_err(Error::from)?;
            for record in &page.events {
                loaded.state.apply(&self.read(record)?, record.version, record.recorded_at);
                loaded.version = record.version;
            }
            if page.end_reached {
                return Ok(());
            }
        }
    }

    /// The event in a record.
    pub(super) fn read(&self, record: &RecordedEvent) -> Result<SagaEvent, SagaError> {
        let unreadable =
            |source| SagaError::Unreadable { stream: record.stream.clone(), version: record.version, source };
        let events = self.reader().events(record).map_err(|error| unreadable(Arc::new(error)))?;
        let only = events.into_iter().next();
        only.ok_or_else(|| unreadable(Arc::new(Nothing)))
    }

    /// Appends to a saga's stream, if nobody else has meanwhile.
    pub(super) async fn append(
        &self,
        saga: &SagaId,
        after: Version,
        events: &[SagaEvent],
        metadata: &Metadata,
    ) -> Result<Written, SagaError> {
        let expected =
            if after == Version::NONE { ExpectedVersion::NoStream } else { ExpectedVersion::Exact(after) };
        let batch = AppendBatch::single(saga.stream().clone(), expected, to_new_events(events, metadata)?);
        match self.append_batch(batch).await {
            Ok(appended) => {
                let Appended { last_version: version, last_position: position, .. } =
                    Appended::only(appended).map_err(Error::from)?;
                wrote(saga, events);
                Ok(Written::At { version, position })
            }
            Err(SagaError::Store(Error::Store(StoreError::WrongExpectedVersion { stream, .. })))
                if stream == *saga.stream() =>
            {
                Ok(Written::Conflict)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn append_batch(&self, batch: AppendBatch) -> Result<Vec<Appended>, SagaError> {
        Ok(self.store.append_records(batch).await?)
    }

    /// The stream of the processes that drive sagas.
    pub(super) fn workers() -> Result<StreamId, SagaError> {
        Ok(StreamId::new("$saga-workers").map_err(Error::from)?)
    }
}

pub(super) fn to_new_events(events: &[SagaEvent], metadata: &Metadata) -> Result<Vec<NewEvent>, SagaError> {
    Ok(events.iter().map(|event| event.to_new_event(metadata.clone())).collect::<crate::Result<_>>()?)
}

#[derive(Debug, thiserror::Error)]
#[error("there is no event in it")]
struct Nothing;
