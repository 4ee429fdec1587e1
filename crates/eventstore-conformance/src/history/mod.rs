//! Histories of concurrent operations, and the check that each has a legal sequential order.
//!
//! Many tasks append under guards and conditions, and read. Of every operation is recorded when it was asked, when it
//! was answered, both on one logical clock, and what was answered. [`check`] then says whether one task alone, doing one
//! operation after the other, could have got the same answers, with no operation before it was asked or after it was
//! answered (linearizability; Herlihy and Wing, 1990).
//!
//! In general that is hard to decide. Here it is not: the positions of the stored events say in which order the appends took
//! effect, and every other answer (a version, a failed guard or condition) is true during one stretch of that order.
//! What is left is to give each operation the earliest place that is left for it, which takes O(n log n).

pub mod cases;
mod checker;
mod recorder;
mod timeline;
mod violation;

pub use checker::{Summary, check};
pub use recorder::record;

use eventstore_api::{Appended, EventId, ExpectedVersion, GlobalPosition, StreamId, Tag, Version};

pub use violation::{Violation, ViolationKind};

/// What many tasks did to one store, and what it held in the end.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Every operation, in any order.
    pub operations: Vec<Operation>,
    /// Every event of the store after the last operation, in the order of positions.
    pub log: Vec<LoggedEvent>,
}

/// One operation of one task.
#[derive(Clone, Debug)]
pub struct Operation {
    /// When it was asked: a reading of a clock that every operation moves on, so that no two readings are equal.
    pub invoked: u64,
    /// When it was answered, on the same clock.
    pub responded: u64,
    /// What was asked and answered.
    pub action: Action,
}

/// What an operation asked, and what was answered.
#[derive(Clone, Debug)]
pub enum Action {
    /// An append.
    Append(Attempt),
    /// A read of a stream's last event.
    ReadVersion {
        /// Which stream.
        stream: StreamId,
        /// The version of the event that was found, or [`Version::NONE`].
        version: Version,
    },
    /// A read of the store's last event.
    ReadHead {
        /// The position of the event that was found, or [`GlobalPosition::START`].
        head: GlobalPosition,
    },
}

/// An append and its outcome.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// What it wrote to which streams.
    pub writes: Vec<Write>,
    /// What it demanded of other streams.
    pub guards: Vec<(StreamId, ExpectedVersion)>,
    /// What must not have happened.
    pub condition: Option<TagCondition>,
    /// What was answered.
    pub outcome: Outcome,
}

/// What an append wrote to one stream.
#[derive(Clone, Debug)]
pub struct Write {
    /// Which stream.
    pub stream: StreamId,
    /// What it demanded of it.
    pub expected: ExpectedVersion,
    /// The events.
    pub ids: Vec<EventId>,
    /// The tag that each of them carries, if they carry one.
    pub tag: Option<Tag>,
}

/// A condition on one tag: of this kind are all conditions in a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagCondition {
    /// No event may carry this tag...
    pub tag: Tag,
    /// ...and lie after this position.
    pub after: GlobalPosition,
}

/// What an append was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is stored.
    Stored(Vec<Appended>),
    /// A guard did not hold.
    WrongExpectedVersion {
        /// On which stream.
        stream: StreamId,
        /// The version that the answer names.
        actual: Version,
    },
    /// The condition did not hold.
    ConditionFailed {
        /// The position that the answer names.
        at: GlobalPosition,
    },
}

/// An event as the store holds it in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEvent {
    /// Its position.
    pub position: GlobalPosition,
    /// Its stream.
    pub stream: StreamId,
    /// Its version.
    pub version: Version,
    /// Its id.
    pub id: EventId,
}
