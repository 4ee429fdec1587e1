use eventstore_api::{GlobalPosition, RecordedEvent, Timestamp, Version};

/// A point of the past at which a state is asked for, or up to which events are replayed.
///
/// Each names a prefix of the order of all events. One that lies ahead of what is stored means all that is stored now: the
/// answer may be another one later.
///
/// ```
/// use allframe_cqrs::{AsOf, GlobalPosition, Timestamp};
///
/// assert_eq!(AsOf::from(GlobalPosition::new(7)), AsOf::Position(GlobalPosition::new(7)));
/// assert_eq!(AsOf::from(Timestamp::from_micros(1)), AsOf::Moment(Timestamp::from_micros(1)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AsOf {
    /// With the event at this position and all before it.
    Position(GlobalPosition),
    /// With the events before the first that was recorded after this moment, by the clock of the store.
    ///
    /// That clock never runs backwards from one event to a later one: where the machine's clock was set back, events are
    /// recorded at the time of the one before them, until it has caught up.
    Moment(Timestamp),
}

impl From<GlobalPosition> for AsOf {
    fn from(position: GlobalPosition) -> Self {
        Self::Position(position)
    }
}

impl From<Timestamp> for AsOf {
    fn from(moment: Timestamp) -> Self {
        Self::Moment(moment)
    }
}

/// Up to where a stream is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamEnd {
    Now,
    Version(Version),
    AsOf(AsOf),
}

impl StreamEnd {
    pub(crate) fn includes(self, record: &RecordedEvent) -> bool {
        match self {
            Self::Now => true,
            Self::Version(version) => record.version <= version,
            Self::AsOf(AsOf::Position(position)) => record.position <= position,
            Self::AsOf(AsOf::Moment(moment)) => record.recorded_at <= moment,
        }
    }

    /// As [`StreamEnd::includes`]; `None` where the version alone does not tell.
    pub(crate) fn includes_version(self, version: Version) -> Option<bool> {
        match self {
            _ if version == Version::NONE => Some(true),
            Self::Now => Some(true),
            Self::Version(end) => Some(version <= end),
            Self::AsOf(_) => None,
        }
    }
}
