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

#[cfg(test)]
mod tests {
    use eventstore_api::{
        Encoding, EventId, EventType, Metadata, NewEvent, Placement, Tags, Timestamp, Version,
    };

    use super::*;
    use crate::digest::Digester;

    fn event() -> RecordedEvent {
        NewEvent::new(EventType::new("Opened").unwrap(), "ann").record(Placement {
            stream: StreamId::new("account-7").unwrap(),
            version: Version::new(1),
            position: GlobalPosition::new(1),
            recorded_at: Timestamp::from_micros(1),
        })
    }

    fn digest(event: &RecordedEvent) -> String {
        let mut digester = Digester::new();
        digester.event(event);
        digester.finish().to_string()
    }

    /// Of one that changes the event, and what is said to differ then.
    type Change = (&'static str, fn(&mut RecordedEvent));

    #[test]
    fn no_field_is_left_out() {
        let changes: [Change; 11] = [
            ("stream", |it| it.stream = StreamId::new("account-8").unwrap()),
            ("version", |it| it.version = Version::new(2)),
            ("position", |it| it.position = GlobalPosition::new(2)),
            ("recorded_at", |it| it.recorded_at = Timestamp::from_micros(2)),
            ("id", |it| it.id = EventId::generate()),
            ("event_type", |it| it.event_type = EventType::new("Closed").unwrap()),
            ("schema_version", |it| it.schema_version = 7),
            ("encoding", |it| it.encoding = Encoding::JSON),
            ("payload", |it| it.payload = "bob".into()),
            ("metadata", |it| it.metadata = Metadata::new().with("by", "bob")),
            ("tags", |it| it.tags = Tags::parse(["a:b"]).unwrap()),
        ];
        let source = event();
        for (field, change) in changes {
            let mut target = source.clone();
            change(&mut target);
            let expected = Difference::Changed { position: target.position, fields: vec![field] };
            assert_eq!(Difference::between(&source, &target), Some(expected));
            assert_ne!(digest(&source), digest(&target), "{field}");
        }
        // One that comes to it later is not known to this test: give it a line above.
        let shown = format!("{source:#?}");
        let of_itself = shown.lines().filter_map(|line| line.strip_prefix("    "));
        let fields =
            of_itself.filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase())).count();
        assert_eq!(fields, changes.len(), "{shown}");
    }
}
