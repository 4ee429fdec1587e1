use std::fmt;

use eventstore_api::{GlobalPosition, RecordedEvent, Snapshot, StreamId};

/// The first place at which two stores are not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// The stores have other events at this position.
    Changed {
        /// Of the event in the target.
        position: GlobalPosition,
        /// The names of the fields that are not the same.
        fields: Vec<&'static str>,
    },
    /// The target has an event that the source does not have.
    NotInSource {
        /// Of the event in the target.
        position: GlobalPosition,
    },
    /// The source has an event that the target does not have, although the target goes on behind it, or has said so.
    NotInTarget {
        /// Of the event in the source.
        position: GlobalPosition,
    },
    /// A snapshot of the target is not the one of the source, and not one that the source had before.
    ChangedSnapshot {
        /// Of which stream.
        stream: StreamId,
    },
}

impl Difference {
    /// What of these is not the same.
    pub(crate) fn between(source: &RecordedEvent, target: &RecordedEvent) -> Option<Self> {
        if source == target {
            return None;
        }
        let compared = [
            ("stream", source.stream != target.stream),
            ("version", source.version != target.version),
            ("position", source.position != target.position),
            ("recorded_at", source.recorded_at != target.recorded_at),
            ("id", source.id != target.id),
            ("event_type", source.event_type != target.event_type),
            ("schema_version", source.schema_version != target.schema_version),
            ("encoding", source.encoding != target.encoding),
            ("payload", source.payload != target.payload),
            ("metadata", source.metadata != target.metadata),
            ("tags", source.tags != target.tags),
        ];
        let fields = compared.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
        Some(Self::Changed { position: target.position, fields })
    }

    /// Whether a snapshot of the target is one that the source has, or had: in use, it may have a later one, or another one of the
    /// same version, which replaces the first.
    pub(crate) fn of_snapshots(source: Option<&Snapshot>, target: &Snapshot) -> Option<Self> {
        match source {
            Some(source) if source.version >= target.version => None,
            _ => Some(Self::ChangedSnapshot { stream: target.stream.clone() }),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { position, fields } => {
                write!(f, "the events of position {position} are not the same: {}", fields.join(", "))
            }
            Self::NotInSource { position } => {
                write!(f, "the event of position {position} of the target is not in the source")
            }
            Self::NotInTarget { position } => {
                write!(f, "the event of position {position} of the source is not in the target")
            }
            Self::ChangedSnapshot { stream } => {
                write!(f, "the snapshots of stream `{stream}` are not the same")
            }
        }
    }
}
