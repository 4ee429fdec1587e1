use std::fmt;

use eventstore_api::{
    AppendBatch, AppendCondition, Appended, EventFilter, EventStoreBackend, ExpectedVersion, GlobalPosition,
    IntoStreamId, Metadata, StreamId,
};

use super::EventStore;
use crate::{Draft, Event, Result, dispatch_context::over, versioning::EventReader};

/// An append in the making: events for one or several streams, all or nothing.
///
/// ```
/// # use allframe_cqrs::event;
/// # #[event]
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// # enum Transfer { Debited { amount: u64 }, Credited { amount: u64 } }
/// use allframe_cqrs::{EventStore, ExpectedVersion};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = EventStore::new();
/// let outcomes = store
///     .batch()
///     .correlation_id("request-9")
///     .append("account-a", ExpectedVersion::Any, [Transfer::Debited { amount: 5 }])
///     .append("account-b", ExpectedVersion::Any, [Transfer::Credited { amount: 5 }])
///     .guard("all-accounts-frozen", ExpectedVersion::NoStream)
///     .commit()
///     .await?;
/// assert_eq!(outcomes.len(), 2);
/// # Ok::<(), allframe_cqrs::Error>(()) }).unwrap();
/// ```
///
/// # A dynamic consistency boundary
///
/// A decision that depends on events of many streams is guarded by what those have in common: read what matches,
/// decide, and append unless more that matches has come meanwhile.
///
/// ```
/// # use allframe_cqrs::event;
/// use allframe_cqrs::{EventFilter, EventStore, ExpectedVersion, Tags};
///
/// #[event]
/// #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// struct Enrolled {
///     #[tag]
///     course: String,
///     #[tag]
///     student: String,
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = EventStore::<Enrolled>::new();
/// let of_course = EventFilter::tagged(Tags::parse(["course:rust-101"])?);
/// let seen = store.get_matching(&of_course).await?;
/// assert!(seen.events.len() < 30, "the course is full");
///
/// let enrolled = Enrolled { course: "rust-101".into(), student: "ann".into() };
/// store
///     .batch()
///     .append("student-ann", ExpectedVersion::Any, [enrolled])
///     .unless_matching(of_course, seen.position)
///     .commit()
///     .await?;
/// # Ok::<(), allframe_cqrs::Error>(()) }).unwrap();
/// ```
///
/// # Trying again
///
/// The events get their ids as they are added. A clone of a batch can therefore be committed again when the outcome
/// of the first is unknown, and stores nothing twice. In the handler of a command that holds for the same dispatch: another one
/// marks the events as its own, and is refused as
/// [`EventIdReused`](eventstore_api::InvalidInput::EventIdReused) where the first was stored.
#[must_use = "nothing is appended before `commit`"]
pub struct Batch<'s, E, B> {
    store: &'s EventStore<E, B>,
    metadata: Metadata,
    /// What has been put together so far, or the first error met on the way.
    batch: Result<AppendBatch>,
}

impl<'s, E: Event, B: EventStoreBackend> Batch<'s, E, B> {
    pub(super) fn new(store: &'s EventStore<E, B>) -> Self {
        Self { store, metadata: Metadata::new(), batch: Ok(AppendBatch::new()) }
    }

    /// Gives every event this metadata. What an event has of its own comes on top.
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = over(self.metadata, &metadata);
        self
    }

    /// Ties every event to what set it in motion in the end.
    pub fn correlation_id(mut self, id: impl Into<String>) -> Self {
        self.metadata = self.metadata.with_correlation_id(id.into());
        self
    }

    /// Names the message that directly causes the events.
    pub fn causation_id(mut self, id: impl Into<String>) -> Self {
        self.metadata = self.metadata.with_causation_id(id.into());
        self
    }

    /// Appends events to a stream, if its version is what is expected. Each stream at most once in a batch.
    pub fn append<D: Into<Draft<E>>>(
        self,
        stream: impl IntoStreamId,
        expected: ExpectedVersion,
        events: impl IntoIterator<Item = D>,
    ) -> Self {
        let codec = self.store.codec();
        self.with(|batch| {
            let events =
                events.into_iter().map(|event| event.into().into_new_event(codec)).collect::<Result<_>>()?;
            Ok(batch.append(stream.into_stream_id()?, expected, events))
        })
    }

    /// Demands this of a stream that the batch does not append to.
    pub fn guard(self, stream: impl IntoStreamId, expected: ExpectedVersion) -> Self {
        self.with(|batch| Ok(batch.guard(stream.into_stream_id()?, expected)))
    }

    /// Fails if an event that matches lies after this position. A kind that is asked for by its name matches under its aliases
    /// too, as where events are read.
    pub fn unless_matching(self, filter: EventFilter, after: GlobalPosition) -> Self {
        let filter = EventReader::<E>::filter_with_aliases(&filter);
        self.with(|batch| Ok(batch.condition(AppendCondition::none_after(filter, after))))
    }

    /// Appends. The outcomes stand in the order of the `append`s.
    ///
    /// Dropping the future early leaves the batch wholly appended or not at all.
    ///
    /// # Errors
    ///
    /// The first error met while the batch was put together, or [`Error::Store`](crate::Error::Store) with the backend's answer,
    /// or [`Error::OutcomeUnknown`](crate::Error::OutcomeUnknown) with the batch, when the backend could not say what it did.
    pub async fn commit(self) -> Result<Vec<Appended>> {
        let Self { store, metadata, batch } = self;
        let mut batch = batch?;
        if !metadata.is_empty() {
            for event in batch.appends.iter_mut().flat_map(|append| &mut append.events) {
                event.metadata = over(metadata.clone(), &event.metadata);
            }
        }
        store.append_settled(batch).await
    }

    fn with(mut self, change: impl FnOnce(AppendBatch) -> Result<AppendBatch>) -> Self {
        self.batch = self.batch.and_then(change);
        self
    }
}

// By hand: neither the events nor the backend need be `Clone`.
impl<E, B> Clone for Batch<'_, E, B> {
    fn clone(&self) -> Self {
        Self { store: self.store, metadata: self.metadata.clone(), batch: self.batch.clone() }
    }
}

impl<E, B> fmt::Debug for Batch<'_, E, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let streams = |batch: &AppendBatch| -> Vec<StreamId> {
            batch.appends.iter().map(|append| append.stream.clone()).collect()
        };
        f.debug_struct("Batch").field("streams", &self.batch.as_ref().map(streams)).finish_non_exhaustive()
    }
}
