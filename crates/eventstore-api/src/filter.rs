use std::sync::Arc;

use crate::{EventType, RecordedEvent, StreamId, Tags};

/// Which events a reader, a subscription or an append condition is about: those that meet at least one
/// [`Criterion`], or all events where none is given.
///
/// Backends that can, filter at the source. Cloning a filter is cheap.
///
/// ```
/// use eventstore_api::{Criterion, EventFilter, EventType, Tags};
///
/// let departures = EventFilter::types([EventType::new("FlightDeparted")?]);
/// let flights = EventFilter::stream_prefix("flight-");
/// let either = EventFilter::any_of([
///     Criterion::new().types([EventType::new("CourseCreated")?]).tags(Tags::parse(["course:rust-101"])?),
///     Criterion::new().tags(Tags::parse(["course:rust-101", "student:ann"])?),
/// ]);
/// assert!(EventFilter::all().is_all() && !either.is_all());
/// # Ok::<(), eventstore_api::InvalidInput>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter(Arc<[Criterion]>);

impl EventFilter {
    /// Every event.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// The events of any of these types.
    #[must_use]
    pub fn types(types: impl IntoIterator<Item = EventType>) -> Self {
        Self::any_of([Criterion::new().types(types)])
    }

    /// The events of the streams whose id starts with this.
    #[must_use]
    pub fn stream_prefix(prefix: impl Into<Box<str>>) -> Self {
        Self::any_of([Criterion::new().stream_prefix(prefix)])
    }

    /// The events that carry every one of these tags.
    #[must_use]
    pub fn tagged(tags: Tags) -> Self {
        Self::any_of([Criterion::new().tags(tags)])
    }

    /// The events that meet at least one of these criteria; every event when there are none.
    #[must_use]
    pub fn any_of(criteria: impl IntoIterator<Item = Criterion>) -> Self {
        Self(criteria.into_iter().collect())
    }

    /// The alternatives; none means every event.
    #[must_use]
    pub fn criteria(&self) -> &[Criterion] {
        &self.0
    }

    /// Whether every event passes, because nothing is demanded.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0.is_empty() || self.0.iter().any(Criterion::is_all)
    }

    /// Whether this event passes.
    #[must_use]
    pub fn matches(&self, event: &RecordedEvent) -> bool {
        self.matches_parts(&event.stream, &event.event_type, &event.tags)
    }

    /// Whether an event of this type, with these tags, in this stream passes.
    #[must_use]
    pub fn matches_parts(&self, stream: &StreamId, event_type: &EventType, tags: &Tags) -> bool {
        self.0.is_empty() || self.0.iter().any(|criterion| criterion.matches_parts(stream, event_type, tags))
    }
}

/// One alternative of a filter: an event meets it when its type, its stream **and** its tags fit.
///
/// What is not stated, fits always.
///
/// ```
/// use eventstore_api::{Criterion, EventFilter, EventType, StreamId, Tags};
///
/// let departures_of_ua = Criterion::new().types([EventType::new("FlightDeparted")?]).stream_prefix("flight-UA");
/// let filter = EventFilter::any_of([departures_of_ua]);
///
/// let departed = EventType::new("FlightDeparted")?;
/// assert!(filter.matches_parts(&StreamId::new("flight-UA1545")?, &departed, &Tags::NONE));
/// assert!(!filter.matches_parts(&StreamId::new("flight-AA1141")?, &departed, &Tags::NONE));
/// # Ok::<(), eventstore_api::InvalidInput>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Criterion {
    /// The event has one of these types; any, when there are none.
    pub event_types: Vec<EventType>,
    /// The event's stream id starts with this; any stream, when there is none.
    pub stream_prefix: Option<Box<str>>,
    /// The event carries all of these tags, and perhaps more.
    pub tags: Tags,
}

impl Criterion {
    /// A criterion that every event meets.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same criterion, for these event types only.
    #[must_use]
    pub fn types(mut self, types: impl IntoIterator<Item = EventType>) -> Self {
        self.event_types = types.into_iter().collect();
        self
    }

    /// The same criterion, for the streams only whose id starts with this.
    #[must_use]
    pub fn stream_prefix(mut self, prefix: impl Into<Box<str>>) -> Self {
        self.stream_prefix = Some(prefix.into());
        self
    }

    /// The same criterion, for events only that carry all of these tags.
    #[must_use]
    pub fn tags(mut self, tags: Tags) -> Self {
        self.tags = tags;
        self
    }

    fn is_all(&self) -> bool {
        self.event_types.is_empty()
            && self.stream_prefix.as_deref().is_none_or(str::is_empty)
            && self.tags.is_empty()
    }

    fn matches_parts(&self, stream: &StreamId, event_type: &EventType, tags: &Tags) -> bool {
        (self.event_types.is_empty() || self.event_types.contains(event_type))
            && self.stream_prefix.as_deref().is_none_or(|prefix| stream.as_str().starts_with(prefix))
            && tags.contains_all(&self.tags)
    }
}
