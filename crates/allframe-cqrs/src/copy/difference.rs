use std::fmt;

use eventstore_api::{EventId, NewEvent, RecordedEvent, StreamId};

use super::EventPlace;

/// A place at which a target is not what the transform makes of its source.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// What is different.
    pub kind: DifferenceKind,
    /// What has changed since it was written.
    pub cause: DifferenceCause,
    /// The stream of the target.
    pub stream: StreamId,
    /// The id of the event, as it should be, or as it is where there should be none.
    pub id: EventId,
    /// Of which event of the source it should be made; `None` where there should be none.
    pub source: Option<EventPlace>,
    /// The event that is there; `None` where there is none.
    pub target: Option<EventPlace>,
}

/// What is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DifferenceKind {
    /// An event is not there.
    Missing,
    /// An event is there that should not be.
    Unexpected,
    /// An event has another place in the order of all events, or in its stream.
    Order,
    /// This part of an event is another one.
    Changed(EventPart),
}

/// A part of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventPart {
    /// The name of its type.
    EventType,
    /// The version of its schema.
    SchemaVersion,
    /// How its payload is encoded.
    Encoding,
    /// Its payload.
    Payload,
    /// Its metadata.
    Metadata,
    /// Its tags.
    Tags,
}

/// What has changed since the events were written, by the checksum that was written with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DifferenceCause {
    /// The transform makes something else now of what it read then, or the source holds something else: the transform does
    /// not depend on the record alone, or its code has changed and its [version](super::StoreCopy::version) has not.
    Transform,
    /// The target no longer holds what was written.
    Target,
    /// Both.
    Both,
}

impl Difference {
    /// Which part of an event differs first.
    pub(super) fn part(expected: &NewEvent, found: &RecordedEvent) -> Option<EventPart> {
        let parts = [
            (expected.event_type == found.event_type, EventPart::EventType),
            (expected.schema_version == found.schema_version, EventPart::SchemaVersion),
            (expected.encoding == found.encoding, EventPart::Encoding),
            (expected.payload == found.payload, EventPart::Payload),
            (expected.metadata == found.metadata, EventPart::Metadata),
            (expected.tags == found.tags, EventPart::Tags),
        ];
        parts.into_iter().find(|(is_same, _)| !is_same).map(|(_, part)| part)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, cause, stream, id, source, target } = self;
        match kind {
            DifferenceKind::Missing => write!(f, "event {id} of stream `{stream}` is missing")?,
            DifferenceKind::Unexpected => write!(f, "event {id} of stream `{stream}` should not be there")?,
            DifferenceKind::Order => write!(f, "event {id} of stream `{stream}` stands at another place")?,
            DifferenceKind::Changed(part) => {
                write!(f, "event {id} of stream `{stream}` has another {part}")?;
            }
        }
        if let Some(place) = target {
            write!(f, ", in the target {place}")?;
        }
        if let Some(place) = source {
            write!(f, ", from {place} of the source")?;
        }
        write!(f, "; {cause}")
    }
}

impl fmt::Display for EventPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EventType => "event type",
            Self::SchemaVersion => "schema version",
            Self::Encoding => "encoding",
            Self::Payload => "payload",
            Self::Metadata => "metadata",
            Self::Tags => "tags",
        })
    }
}

impl fmt::Display for DifferenceCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transform => {
                "the target holds what was written, so the transform is not deterministic, or it or the source has changed"
            }
            Self::Target => "the transform makes what was written, so the target has changed",
            Self::Both => "neither the target nor what the transform makes is what was written",
        })
    }
}
