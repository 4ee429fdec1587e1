use std::fmt;

use eventstore_api::{EventId, GlobalPosition, Metadata, RecordedEvent, StreamId, Timestamp, Version};

/// A typed event together with the record in which the store keeps it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded<E> {
    /// What happened.
    pub event: E,
    /// All that the store keeps of it: stream, version, position, time, id, metadata, tags, and the payload's bytes.
    pub record: RecordedEvent,
    part: usize,
}

impl<E> Recorded<E> {
    pub(crate) fn new(event: E, record: RecordedEvent, part: usize) -> Self {
        Self { event, record, part }
    }

    /// The stream it belongs to.
    #[must_use]
    pub fn stream(&self) -> &StreamId {
        &self.record.stream
    }

    /// Its place in the stream.
    #[must_use]
    pub fn version(&self) -> Version {
        self.record.version
    }

    /// Its place in the order of all events.
    #[must_use]
    pub fn position(&self) -> GlobalPosition {
        self.record.position
    }

    /// Which of the events it is that an upcaster makes of one stored event, from 0. They share the record, with its version,
    /// position and id; without such an upcaster it is always 0.
    #[must_use]
    pub fn part(&self) -> usize {
        self.part
    }

    /// When it was appended.
    #[must_use]
    pub fn recorded_at(&self) -> Timestamp {
        self.record.recorded_at
    }

    /// Who it is: the causation id of whatever it sets in motion.
    #[must_use]
    pub fn id(&self) -> EventId {
        self.record.id
    }

    /// What is known beside.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.record.metadata
    }
}

impl<E: fmt::Debug> fmt::Debug for Recorded<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorded")
            .field("stream", &self.record.stream)
            .field("version", &self.record.version)
            .field("position", &self.record.position)
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}
