use std::collections::HashMap;

use eventstore_api::{ExpectedVersion, GlobalPosition, StreamId, Tag, Version};

use super::LoggedEvent;

/// A number of appends, in the order in which they took effect: 0 is the empty store.
pub(super) type State = usize;

/// The states from the first to the second, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) from: State,
    pub(super) to: State,
}

impl Stretch {
    pub(super) const EVER: Self = Self { from: 0, to: State::MAX };

    pub(super) fn and(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), to: self.to.min(other.to) }
    }
}

/// In which state each stream had which version, and which tagged events were where.
#[derive(Default)]
pub(super) struct Timeline {
    streams: HashMap<StreamId, Vec<Change>>,
    /// The position at which each state began.
    positions: Vec<GlobalPosition>,
}

struct Change {
    state: State,
    version: Version,
    tag: Option<Tag>,
}

impl Timeline {
    /// The next append takes effect, the last of its events at this position.
    pub(super) fn next_state(&mut self, position: GlobalPosition) -> State {
        self.positions.push(position);
        self.positions.len()
    }

    /// The append that took effect last brought a stream to this version, with events that carry this tag.
    pub(super) fn change(&mut self, stream: &StreamId, version: Version, tag: Option<Tag>) {
        let state = self.positions.len();
        self.streams.entry(stream.clone()).or_default().push(Change { state, version, tag });
    }

    /// The version of a stream now.
    pub(super) fn version(&self, stream: &StreamId) -> Version {
        self.changes(stream).last().map_or(Version::NONE, |change| change.version)
    }

    pub(super) fn position(&self, state: State) -> GlobalPosition {
        state.checked_sub(1).map_or(GlobalPosition::START, |index| self.positions[index])
    }

    /// When the last event of the store was the one at this position.
    pub(super) fn while_head(&self, head: GlobalPosition) -> Option<Stretch> {
        if head == GlobalPosition::START {
            return Some(Stretch { from: 0, to: 0 });
        }
        let state = self.positions.binary_search(&head).ok()? + 1;
        Some(Stretch { from: state, to: state })
    }

    /// When a stream had exactly this version.
    pub(super) fn while_version(&self, stream: &StreamId, version: Version) -> Option<Stretch> {
        let changes = self.changes(stream);
        let until = |index: usize| changes.get(index).map_or(State::MAX, |next| next.state - 1);
        if version == Version::NONE {
            return Some(Stretch { from: 0, to: until(0) });
        }
        let index = changes.binary_search_by_key(&version, |change| change.version).ok()?;
        Some(Stretch { from: changes[index].state, to: until(index + 1) })
    }

    /// When a guard on a stream held.
    pub(super) fn while_holds(&self, stream: &StreamId, expected: ExpectedVersion) -> Option<Stretch> {
        match expected {
            ExpectedVersion::Any => Some(Stretch::EVER),
            ExpectedVersion::NoStream => self.while_version(stream, Version::NONE),
            ExpectedVersion::Exact(version) => self.while_version(stream, version),
            ExpectedVersion::StreamExists => {
                let first = self.changes(stream).first()?;
                Some(Stretch { from: first.state, to: State::MAX })
            }
        }
    }

    /// Since when an event was there, if it carries this tag.
    pub(super) fn since_tagged(&self, event: &LoggedEvent, tag: &Tag) -> Option<Stretch> {
        let changes = self.changes(&event.stream);
        let change = changes.get(changes.partition_point(|change| change.version < event.version))?;
        (change.tag.as_ref() == Some(tag)).then_some(Stretch { from: change.state, to: State::MAX })
    }

    fn changes(&self, stream: &StreamId) -> &[Change] {
        self.streams.get(stream).map_or(&[], Vec::as_slice)
    }
}
