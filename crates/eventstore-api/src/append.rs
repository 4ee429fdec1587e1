use std::collections::HashSet;

use crate::{
    EventFilter, EventId, ExpectedVersion, GlobalPosition, InvalidInput, NewEvent, StoreError, StreamId,
    Version,
    error::Field,
    limits::{MAX_BATCH_BYTES, MAX_BATCH_EVENTS},
};

/// What one append does: events for one or several streams, all or nothing, each stream under its guard, and the
/// whole under further guards and an optional condition.
///
/// ```
/// use eventstore_api::{AppendBatch, EventType, ExpectedVersion, NewEvent, StreamId, Version};
///
/// let debited = NewEvent::new(EventType::new("Debited")?, "100");
/// let credited = NewEvent::new(EventType::new("Credited")?, "100");
/// let batch = AppendBatch::new()
///     .append(StreamId::new("account-a")?, ExpectedVersion::Exact(Version::new(7)), vec![debited])
///     .append(StreamId::new("account-b")?, ExpectedVersion::StreamExists, vec![credited])
///     .guard(StreamId::new("freeze-all")?, ExpectedVersion::NoStream);
/// assert!(batch.validate().is_ok());
/// assert!(AppendBatch::new().validate().is_err());   // nothing to append
/// # Ok::<(), eventstore_api::InvalidInput>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppendBatch {
    /// What is appended; each stream at most once, in this order.
    pub appends: Vec<StreamAppend>,
    /// Guards on streams that nothing is appended to.
    pub guards: Vec<StreamGuard>,
    /// What must not have happened anywhere in the store.
    pub condition: Option<AppendCondition>,
}

impl AppendBatch {
    /// A batch without appends, to be filled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A batch that appends to one stream.
    #[must_use]
    pub fn single(stream: StreamId, expected: ExpectedVersion, events: Vec<NewEvent>) -> Self {
        Self { appends: vec![StreamAppend { stream, expected, events }], guards: Vec::new(), condition: None }
    }

    /// The same batch, which also appends these events to this stream.
    #[must_use]
    pub fn append(mut self, stream: StreamId, expected: ExpectedVersion, events: Vec<NewEvent>) -> Self {
        self.appends.push(StreamAppend { stream, expected, events });
        self
    }

    /// The same batch, which also demands this of a stream that it does not append to.
    #[must_use]
    pub fn guard(mut self, stream: StreamId, expected: ExpectedVersion) -> Self {
        self.guards.push(StreamGuard { stream, expected });
        self
    }

    /// The same batch under this condition; an earlier condition is replaced.
    #[must_use]
    pub fn condition(mut self, condition: AppendCondition) -> Self {
        self.condition = Some(condition);
        self
    }

    /// How many events the batch holds, over all its streams.
    #[must_use]
    pub fn event_count(&self) -> usize {
        self.appends.iter().map(|append| append.events.len()).sum()
    }

    /// Checks all that can be known without looking into a store. Every backend calls this first.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`] when there is nothing to append, an append has no events, a stream is named twice, an event
    /// id stands twice in one stream, or a [limit](crate::limits) is passed.
    pub fn validate(&self) -> Result<(), InvalidInput> {
        if self.appends.is_empty() {
            return Err(InvalidInput::EmptyBatch);
        }
        self.validate_streams()?;
        self.validate_appends()?;
        match &self.condition {
            Some(condition) => condition.fail_if_events_match.validate(),
            None => Ok(()),
        }
    }

    /// Checks the events, each and all together: what is left to check where streams are known to be apart.
    pub(crate) fn validate_appends(&self) -> Result<(), InvalidInput> {
        let mut count = 0_usize;
        let mut size = 0_usize;
        for append in &self.appends {
            append.validate()?;
            count += append.events.len();
            size = size.saturating_add(append.stream.as_str().len());
            size = append.events.iter().fold(size, |size, event| size.saturating_add(event.size()));
        }
        if count > MAX_BATCH_EVENTS {
            return Err(InvalidInput::TooMany { what: Field::Batch, count, max: MAX_BATCH_EVENTS });
        }
        if size > MAX_BATCH_BYTES {
            return Err(InvalidInput::TooLong { what: Field::Batch, length: size, max: MAX_BATCH_BYTES });
        }
        Ok(())
    }

    fn validate_streams(&self) -> Result<(), InvalidInput> {
        if self.appends.len() + self.guards.len() == 1 {
            return Ok(());
        }
        let streams = self
            .appends
            .iter()
            .map(|append| &append.stream)
            .chain(self.guards.iter().map(|guard| &guard.stream));
        match first_repeated(streams) {
            Some(stream) => Err(InvalidInput::StreamRepeated { stream: stream.clone() }),
            None => Ok(()),
        }
    }
}

/// The part of a batch that goes to one stream.
///
/// ```
/// use eventstore_api::{AppendBatch, EventType, ExpectedVersion, NewEvent, StreamId};
///
/// let events = vec![NewEvent::new(EventType::new("Opened")?, "")];
/// let batch = AppendBatch::single(StreamId::new("account-7")?, ExpectedVersion::NoStream, events);
/// assert_eq!(batch.appends[0].stream.as_str(), "account-7");
/// assert_eq!(batch.event_count(), 1);
/// # Ok::<(), eventstore_api::InvalidInput>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamAppend {
    /// Where the events go.
    pub stream: StreamId,
    /// What must be true of the stream.
    pub expected: ExpectedVersion,
    /// What is appended, at least one event, in this order.
    pub events: Vec<NewEvent>,
}

impl StreamAppend {
    fn validate(&self) -> Result<(), InvalidInput> {
        if self.events.is_empty() {
            return Err(InvalidInput::NoEvents { stream: self.stream.clone() });
        }
        for event in &self.events {
            event.validate()?;
        }
        match self.first_repeated_id() {
            Some(id) => Err(InvalidInput::EventIdRepeated { stream: self.stream.clone(), id }),
            None => Ok(()),
        }
    }

    fn first_repeated_id(&self) -> Option<EventId> {
        // Generated ids rise, so that one pass without a set settles the usual case.
        if self.events.is_sorted_by(|a, b| a.id < b.id) {
            return None;
        }
        first_repeated(self.events.iter().map(|event| event.id))
    }
}

/// A guard on a stream that the batch does not append to.
///
/// ```
/// use eventstore_api::{AppendBatch, ExpectedVersion, StreamId};
///
/// let batch = AppendBatch::new().guard(StreamId::new("freeze-all")?, ExpectedVersion::NoStream);
/// assert_eq!(batch.guards[0].expected, ExpectedVersion::NoStream);
/// # Ok::<(), eventstore_api::InvalidInput>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamGuard {
    /// Which stream.
    pub stream: StreamId,
    /// What must be true of it.
    pub expected: ExpectedVersion,
}

/// What must not have happened for an append to happen: a *dynamic consistency boundary*.
///
/// A decision was made on all events matching a filter, up to a position. The append goes ahead only if no event
/// that matches the filter lies after that position.
///
/// ```
/// use eventstore_api::{AppendBatch, AppendCondition, EventFilter, GlobalPosition, Tags};
///
/// let seats = EventFilter::tagged(Tags::parse(["course:rust-101"])?);
/// let read_up_to = GlobalPosition::new(17);
/// let batch = AppendBatch::new().condition(AppendCondition::none_after(seats, read_up_to));
/// # Ok::<(), eventstore_api::InvalidInput>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppendCondition {
    /// The events that the decision depended on.
    pub fail_if_events_match: EventFilter,
    /// The position up to which they were read.
    pub after: GlobalPosition,
}

impl AppendCondition {
    /// Fails the append if an event that matches lies after this position.
    #[must_use]
    pub fn none_after(filter: EventFilter, after: GlobalPosition) -> Self {
        Self { fail_if_events_match: filter, after }
    }

    /// Fails the append if any event of the store matches.
    #[must_use]
    pub fn none(filter: EventFilter) -> Self {
        Self::none_after(filter, GlobalPosition::START)
    }
}

/// What an append did to one stream.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use eventstore_api::{EventStoreBackend, EventType, ExpectedVersion, NewEvent, StreamId, Version};
/// use eventstore_memory::InMemoryBackend;
///
/// let store = InMemoryBackend::new();
/// let events = vec![NewEvent::new(EventType::new("Opened")?, ""), NewEvent::new(EventType::new("Deposited")?, "5")];
/// let appended = store.append(&StreamId::new("account-7")?, ExpectedVersion::NoStream, events).await?;
/// assert_eq!((appended.first_version, appended.last_version), (Version::new(1), Version::new(2)));
/// assert!(appended.first_position < appended.last_position);
/// # Ok::<(), eventstore_api::StoreError>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Appended {
    /// The stream.
    pub stream: StreamId,
    /// The version of the first event appended.
    pub first_version: Version,
    /// The version of the last event appended: what the stream's next `Exact` guard expects.
    pub last_version: Version,
    /// The position of the first event appended.
    pub first_position: GlobalPosition,
    /// The position of the last event appended: what a reader waits for to read its own write.
    pub last_position: GlobalPosition,
}

impl Appended {
    /// The outcome for events that stand at these places. For backends.
    #[must_use]
    pub fn new(
        stream: StreamId,
        (first_version, first_position): (Version, GlobalPosition),
        (last_version, last_position): (Version, GlobalPosition),
    ) -> Self {
        Self { stream, first_version, last_version, first_position, last_position }
    }

    /// The one outcome of an append to one stream.
    ///
    /// # Errors
    ///
    /// [`StoreError::OutcomeUnknown`] when a backend has answered with none or several: what it did, it has not said.
    pub fn only(outcomes: Vec<Self>) -> Result<Self, StoreError> {
        match <[Self; 1]>::try_from(outcomes) {
            Ok([outcome]) => Ok(outcome),
            Err(outcomes) => Err(StoreError::outcome_unknown(format!(
                "the backend answered an append to one stream with {} outcomes",
                outcomes.len()
            ))),
        }
    }
}

fn first_repeated<T: Eq + std::hash::Hash + Clone>(items: impl Iterator<Item = T>) -> Option<T> {
    let mut seen = HashSet::new();
    items.into_iter().find(|item| !seen.insert(item.clone()))
}
