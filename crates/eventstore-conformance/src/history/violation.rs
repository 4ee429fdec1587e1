use std::fmt;

use eventstore_api::{EventId, ExpectedVersion, GlobalPosition, StreamId, Version};

use super::Operation;

/// Why a history has no legal sequential order.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Violation {
    /// The operation whose answer cannot be, if it is one.
    pub operation: Option<Box<Operation>>,
    /// What is wrong.
    pub kind: ViolationKind,
}

/// What is wrong with a history.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ViolationKind {
    /// An operation was answered before it was asked, or an outcome does not fit its batch.
    Malformed(&'static str),
    /// Two appends took effect at the same position.
    PositionTwice(GlobalPosition),
    /// An append took effect before something that had been answered when it was asked.
    BeforeItsTime {
        /// Where it took effect.
        position: GlobalPosition,
        /// What had been seen by then.
        seen: GlobalPosition,
    },
    /// An append's versions do not follow those before it.
    VersionsDoNotFollow {
        /// In which stream.
        stream: StreamId,
        /// The version before it.
        before: Version,
        /// The first version it was given.
        assigned: Version,
    },
    /// A stored append's guard did not hold at its place.
    GuardDidNotHold {
        /// On which stream.
        stream: StreamId,
        /// What it demanded.
        expected: ExpectedVersion,
        /// What was there.
        actual: Version,
    },
    /// A stored append's condition did not hold at its place.
    ConditionDidNotHold {
        /// The position of the event that it excludes.
        at: GlobalPosition,
    },
    /// An answer fits no moment between asking and answering.
    Unexplained(&'static str),
    /// The same batch was answered in two ways.
    AnsweredInTwoWays,
    /// An acknowledged event is not in the store, or not where it was said to be.
    NotInTheStore {
        /// Its stream.
        stream: StreamId,
        /// Its version.
        version: Version,
        /// The event.
        id: EventId,
    },
    /// Of an append whose outcome nobody was told, only a part is in the store.
    StoredInPart {
        /// How many of its events are there.
        stored: usize,
        /// How many are not.
        missing: usize,
    },
    /// The store holds events that nobody was told are stored nor left in doubt about, or holds them out of order.
    NotAcknowledged {
        /// How many events were acknowledged, or belong to appends whose outcome nobody was told.
        acknowledged: usize,
        /// How many the store holds.
        stored: usize,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.kind)?;
        match &self.operation {
            Some(operation) => write!(f, "\nin {operation:?}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Violation {}
