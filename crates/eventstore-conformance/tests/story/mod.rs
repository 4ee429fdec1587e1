//! Histories that a test writes down operation by operation.
#![allow(dead_code, reason = "every test file uses another part of it")]

use eventstore_api::{
    Appended, EventId, ExpectedVersion, GlobalPosition, StreamId, Tag, Version, reexports::uuid::Uuid,
};
use eventstore_conformance::history::{
    Action, Attempt, History, LoggedEvent, Operation, Outcome, ViolationKind, Write, check,
};

pub(crate) fn stream(name: &str) -> StreamId {
    StreamId::try_from(name).unwrap()
}

pub(crate) fn id(number: u128) -> EventId {
    EventId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn tag() -> Tag {
    Tag::new("seat:12a").unwrap()
}

pub(crate) fn at(position: u64) -> GlobalPosition {
    GlobalPosition::new(position)
}

/// A history that is written down operation by operation.
#[derive(Default)]
pub(crate) struct Story {
    pub(crate) history: History,
}

impl Story {
    pub(crate) fn then(mut self, invoked: u64, responded: u64, action: Action) -> Self {
        self.history.operations.push(Operation::new(invoked, responded, action));
        self
    }

    /// One event, stored at this version and position, under this guard.
    pub(crate) fn stored(
        mut self,
        (invoked, responded): (u64, u64),
        name: &str,
        expected: ExpectedVersion,
        (version, position): (u64, u64),
    ) -> Self {
        let id = id(u128::from(position));
        let place = (Version::new(version), at(position));
        let outcome = Outcome::Stored(vec![Appended::new(stream(name), place, place)]);
        self.log(name, version, position);
        self.then(invoked, responded, Action::Append(attempt(name, expected, id, outcome)))
    }

    pub(crate) fn log(&mut self, name: &str, version: u64, position: u64) {
        let (stream, version, position) = (stream(name), Version::new(version), at(position));
        let id = id(u128::from(position.get()));
        self.history.log.push(LoggedEvent::new(position, stream, version, id));
        self.history.log.sort_by_key(|event| event.position);
    }

    /// An append of events with these ids, of which nobody was told the outcome.
    pub(crate) fn unknown(
        self,
        times: (u64, u64),
        name: &str,
        expected: ExpectedVersion,
        ids: &[u128],
    ) -> Self {
        let ids = ids.iter().copied().map(id).collect();
        let attempt = Attempt::new(vec![Write::new(stream(name), expected, ids)], Outcome::Unknown);
        self.then(times.0, times.1, Action::Append(attempt))
    }

    /// The store holds this event in the end; its id is that of its position.
    pub(crate) fn holding(mut self, name: &str, version: u64, position: u64) -> Self {
        self.log(name, version, position);
        self
    }

    pub(crate) fn refused(
        self,
        times: (u64, u64),
        name: &str,
        expected: ExpectedVersion,
        actual: u64,
    ) -> Self {
        let outcome = Outcome::WrongExpectedVersion { stream: stream(name), actual: Version::new(actual) };
        let new = id(1_000 + u128::from(times.0));
        self.then(times.0, times.1, Action::Append(attempt(name, expected, new, outcome)))
    }

    pub(crate) fn read_version(self, times: (u64, u64), name: &str, version: u64) -> Self {
        let (stream, version) = (stream(name), Version::new(version));
        self.then(times.0, times.1, Action::ReadVersion { stream, version })
    }

    pub(crate) fn read_head(self, times: (u64, u64), head: u64) -> Self {
        self.then(times.0, times.1, Action::ReadHead { head: at(head) })
    }

    /// Changes the attempt of the last operation.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Attempt)) -> Self {
        match self.history.operations.last_mut().map(|operation| &mut operation.action) {
            Some(Action::Append(attempt)) => change(attempt),
            _ => panic!("the last operation is no append"),
        }
        self
    }

    pub(crate) fn legal(&self) {
        if let Err(violation) = check(&self.history) {
            panic!("the history is legal, and was refused: {violation}");
        }
    }

    pub(crate) fn illegal(&self, expected: impl Fn(&ViolationKind) -> bool) {
        match check(&self.history) {
            Ok(summary) => panic!("the history is illegal, and passed: {summary:?}"),
            Err(violation) => assert!(expected(&violation.kind), "refused for another reason: {violation}"),
        }
    }
}

pub(crate) fn attempt(name: &str, expected: ExpectedVersion, id: EventId, outcome: Outcome) -> Attempt {
    Attempt::new(vec![Write::new(stream(name), expected, vec![id])], outcome)
}

pub(crate) fn exact(version: u64) -> ExpectedVersion {
    ExpectedVersion::Exact(Version::new(version))
}

pub(crate) const ANY: ExpectedVersion = ExpectedVersion::Any;
