use std::fmt;

use eventstore_api::{EventId, EventType, GlobalPosition, RecordedEvent, StreamId, Version};

/// Where an event stands in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventPlace {
    /// The stream it belongs to.
    pub stream: StreamId,
    /// Its place in the stream.
    pub version: Version,
    /// Its place in the order of all events.
    pub position: GlobalPosition,
    /// The name of its type.
    pub event_type: EventType,
    /// Who it is.
    pub id: EventId,
}

impl EventPlace {
    pub(super) fn of(record: &RecordedEvent) -> Self {
        Self {
            stream: record.stream.clone(),
            version: record.version,
            position: record.position,
            event_type: record.event_type.clone(),
            id: record.id,
        }
    }
}

impl fmt::Display for EventPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, version, position, event_type, .. } = self;
        write!(f, "event {version} of stream `{stream}` (position {position}, `{event_type}`)")
    }
}
