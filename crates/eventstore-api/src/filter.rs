use std::sync::Arc;

use crate::{
    EventType, InvalidInput, RecordedEvent, StreamId, Tags,
    error::Field,
    limits::{MAX_CRITERIA, MAX_STREAM_ID_BYTES, MAX_TYPES_PER_CRITERION},
};

/// Which events a reader, a subscription or an append condition is about: all of them, or those that meet at least one
/// [`Criterion`].
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
pub struct EventFilter(Option<Arc<[Criterion]>>);

impl EventFilter {
    /// Every event.
    #[must_use]
    pub fn all() -> Self {
        Self(None)
    }

    /// The events of any of these types; none when there are no types.
    #[must_use]
    pub fn types(types: impl IntoIterator<Item = EventType>) -> Self {
        Self::any_of([Criterion::new().types(types)])
    }

    /// The events of this stream.
    #[must_use]
    pub fn stream(stream: StreamId) -> Self {
        Self::any_of([Criterion::new().stream(stream)])
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

    /// The events that meet at least one of these criteria; none when there are no criteria.
    #[must_use]
    pub fn any_of(criteria: impl IntoIterator<Item = Criterion>) -> Self {
        Self(Some(criteria.into_iter().collect()))
    }

    /// The alternatives, of which an event must meet one; `None` where every event passes.
    #[must_use]
    pub fn criteria(&self) -> Option<&[Criterion]> {
        self.0.as_deref()
    }

    /// Whether every event passes, because nothing is demanded.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.criteria().is_none_or(|criteria| criteria.iter().any(Criterion::is_all))
    }

    /// Whether this event passes.
    #[must_use]
    pub fn matches(&self, event: &RecordedEvent) -> bool {
        self.matches_parts(&event.stream, &event.event_type, &event.tags)
    }

    /// Whether an event of this type, with these tags, in this stream passes.
    #[must_use]
    pub fn matches_parts(&self, stream: &StreamId, event_type: &EventType, tags: &Tags) -> bool {
        self.criteria().is_none_or(|criteria| {
            criteria.iter().any(|criterion| criterion.matches_parts(stream, event_type, tags))
        })
    }

    /// Checks the filter against the [limits](crate::limits).
    ///
    /// # Errors
    ///
    /// [`InvalidInput`] beyond [`MAX_CRITERIA`] criteria, [`MAX_TYPES_PER_CRITERION`] types in one, or for a prefix longer
    /// than any stream id.
    pub fn validate(&self) -> Result<(), InvalidInput> {
        let criteria = self.criteria().unwrap_or_default();
        if criteria.len() > MAX_CRITERIA {
            return Err(InvalidInput::TooMany {
                what: Field::Filter,
                count: criteria.len(),
                max: MAX_CRITERIA,
            });
        }
        criteria.iter().try_for_each(Criterion::validate)
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
    /// The event has one of these types.
    pub event_types: Option<Vec<EventType>>,
    /// The event is in this stream.
    pub stream: Option<StreamId>,
    /// The event's stream id starts with this.
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

    /// The same criterion, for these event types only; no event meets it when there are none.
    #[must_use]
    pub fn types(mut self, types: impl IntoIterator<Item = EventType>) -> Self {
        self.event_types = Some(types.into_iter().collect());
        self
    }

    /// The same criterion, for this stream only.
    #[must_use]
    pub fn stream(mut self, stream: StreamId) -> Self {
        self.stream = Some(stream);
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
        self.event_types.is_none()
            && self.stream.is_none()
            && self.stream_prefix.as_deref().is_none_or(str::is_empty)
            && self.tags.is_empty()
    }

    fn matches_parts(&self, stream: &StreamId, event_type: &EventType, tags: &Tags) -> bool {
        self.event_types.as_ref().is_none_or(|types| types.contains(event_type))
            && self.stream.as_ref().is_none_or(|wanted| wanted == stream)
            && self.stream_prefix.as_deref().is_none_or(|prefix| stream.as_str().starts_with(prefix))
            && tags.contains_all(&self.tags)
    }

    fn validate(&self) -> Result<(), InvalidInput> {
        let types = self.event_types.as_ref().map_or(0, Vec::len);
        if types > MAX_TYPES_PER_CRITERION {
            return Err(InvalidInput::TooMany {
                what: Field::Filter,
                count: types,
                max: MAX_TYPES_PER_CRITERION,
            });
        }
        match self.stream_prefix.as_ref().map_or(0, |prefix| prefix.len()) {
            length if length > MAX_STREAM_ID_BYTES => {
                Err(InvalidInput::TooLong { what: Field::Filter, length, max: MAX_STREAM_ID_BYTES })
            }
            _ => Ok(()),
        }
    }
}
