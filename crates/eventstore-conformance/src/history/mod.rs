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
//!
//! An append whose outcome nobody was told (the answer was lost, or the process ended before it) is in the log wholly or not
//! at all. If it is, it took effect at its place in the log, which may lie anywhere behind what had been seen when it was
//! asked, and however long after it was given up.
//!
//! ```
//! use std::sync::Arc;
//! use eventstore_conformance::{history::{check, record}, model::ReferenceBackend};
//!
//! # tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap().block_on(async {
//! let (tasks, operations, seed) = (4, 400, 1);
//! let history = record(Arc::new(ReferenceBackend::new()), tasks, operations, seed).await;
//! let summary = check(&history)?;
//! assert!(summary.stored > 0 && summary.reads > 0);
//! # Ok::<(), eventstore_conformance::history::Violation>(()) }).unwrap();
//! ```

mod batches;
pub mod cases;
mod checker;
mod recorder;
mod timeline;
mod violation;

pub use checker::{Summary, check};
pub use recorder::{read_log, record};

use eventstore_api::{
    Appended, EventId, ExpectedVersion, GlobalPosition, RecordedEvent, StreamId, Tag, Version,
};

pub use violation::{Violation, ViolationKind};

/// What many tasks did to one store, and what it held in the end.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct History {
    /// Every operation, in any order.
    pub operations: Vec<Operation>,
    /// Every event of the store after the last operation, in the order of positions.
    pub log: Vec<LoggedEvent>,
}

impl History {
    /// These operations, and what the store held after the last of them.
    #[must_use]
    pub fn new(operations: Vec<Operation>, log: Vec<LoggedEvent>) -> Self {
        Self { operations, log }
    }
}

/// One operation of one task.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Operation {
    /// When it was asked: a reading of a clock that every operation moves on, so that no two readings are equal.
    pub invoked: u64,
    /// When it was answered, on the same clock. Of an append whose outcome is [unknown](Outcome::Unknown) any later time
    /// will do, such as [`u64::MAX`].
    pub responded: u64,
    /// What was asked and answered.
    pub action: Action,
}

impl Operation {
    /// What was asked and answered at these times.
    #[must_use]
    pub fn new(invoked: u64, responded: u64, action: Action) -> Self {
        Self { invoked, responded, action }
    }
}

/// What an operation asked, and what was answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
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
#[non_exhaustive]
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

impl Attempt {
    /// An append of this, without guards on other streams and without condition.
    #[must_use]
    pub fn new(writes: Vec<Write>, outcome: Outcome) -> Self {
        Self { writes, guards: Vec::new(), condition: None, outcome }
    }
}

/// What an append wrote to one stream.
#[derive(Clone, Debug)]
#[non_exhaustive]
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

impl Write {
    /// These events, which carry no tag.
    #[must_use]
    pub fn new(stream: StreamId, expected: ExpectedVersion, ids: Vec<EventId>) -> Self {
        Self { stream, expected, ids, tag: None }
    }
}

/// A condition on one tag: of this kind are all conditions in a history.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TagCondition {
    /// No event may carry this tag...
    pub tag: Tag,
    /// ...and lie after this position.
    pub after: GlobalPosition,
}

impl TagCondition {
    /// No event behind this position carries this tag.
    #[must_use]
    pub fn new(tag: Tag, after: GlobalPosition) -> Self {
        Self { tag, after }
    }
}

/// What an append was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
    /// Nobody was told: the answer was `OutcomeUnknown`, or the process ended before there was one.
    Unknown,
}

/// An event as the store holds it in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
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

impl LoggedEvent {
    /// An event of this id, at this place.
    #[must_use]
    pub fn new(position: GlobalPosition, stream: StreamId, version: Version, id: EventId) -> Self {
        Self { position, stream, version, id }
    }
}

impl From<RecordedEvent> for LoggedEvent {
    fn from(event: RecordedEvent) -> Self {
        Self::new(event.position, event.stream, event.version, event.id)
    }
}
