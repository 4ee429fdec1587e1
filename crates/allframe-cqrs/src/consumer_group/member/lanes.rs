use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use eventstore_api::{GlobalPosition, RecordedEvent, message_with_causes};
use tokio::time::Instant;

use crate::{Recorded, versioning::Parts};

/// The events of a partition that wait or are out, each key's in a lane of its own: of a lane, only the first event is
/// ever out.
pub(super) struct Lanes<E> {
    by_key: HashMap<Arc<str>, VecDeque<Item<E>>>,
    /// Lanes whose first event may go out, in the order in which they came to that.
    ready: VecDeque<Arc<str>>,
    /// Lanes whose first event has failed, and when it may go out again.
    waiting: BTreeSet<(Instant, Arc<str>)>,
    in_flight: usize,
    replays: usize,
}

/// A record in a lane, of which one event goes out at a time.
pub(super) struct Item<E> {
    pub(super) record: RecordedEvent,
    /// Those of its events that are still to be handled, one as a rule; or why it cannot be read.
    pub(super) events: Result<VecDeque<Arc<Recorded<E>>>, String>,
    /// Whether it was parked, and is delivered again.
    pub(super) is_replay: bool,
}

impl<E> Item<E> {
    pub(super) fn new(
        record: RecordedEvent,
        events: crate::Result<Parts<Recorded<E>>>,
        is_replay: bool,
    ) -> Self {
        let events = events.map(|events| events.into_iter().map(Arc::new).collect());
        Self { record, events: events.map_err(|error| message_with_causes(&error)), is_replay }
    }

    /// Whether it reads as no event at all.
    pub(super) fn is_nothing(&self) -> bool {
        self.events.as_ref().is_ok_and(VecDeque::is_empty)
    }
}

impl<E> Lanes<E> {
    pub(super) fn new() -> Self {
        Self {
            by_key: HashMap::new(),
            ready: VecDeque::new(),
            waiting: BTreeSet::new(),
            in_flight: 0,
            replays: 0,
        }
    }

    /// How many events are out.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// How many events wait or are out that were parked before.
    pub(super) fn replays(&self) -> usize {
        self.replays
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.by_key.contains_key(key)
    }

    pub(super) fn push(&mut self, key: &Arc<str>, item: Item<E>) {
        self.replays += usize::from(item.is_replay);
        match self.by_key.get_mut(key) {
            Some(lane) => lane.push_back(item),
            None => {
                self.by_key.insert(Arc::clone(key), VecDeque::from([item]));
                self.ready.push_back(Arc::clone(key));
            }
        }
    }

    /// Sends out the first event of the lane whose turn it is.
    pub(super) fn start(&mut self) -> Option<(Arc<str>, &Item<E>)> {
        let key = self.ready.pop_front()?;
        let item = self.by_key.get(&key)?.front()?;
        self.in_flight += 1;
        Some((key, item))
    }

    /// The event of this key that is at this position, if it is the first of its lane.
    pub(super) fn first(&self, key: &str, position: GlobalPosition) -> Option<&Item<E>> {
        self.by_key.get(key)?.front().filter(|item| item.record.position == position)
    }

    /// The event that is out is done with. Whether its record has another one, which then may go out.
    pub(super) fn finish_part(&mut self, key: &Arc<str>) -> bool {
        let first = self.by_key.get_mut(key).and_then(VecDeque::front_mut);
        let Some(Ok(events)) = first.map(|item| &mut item.events) else { return false };
        events.pop_front();
        if events.is_empty() {
            return false;
        }
        self.in_flight = self.in_flight.saturating_sub(1);
        self.ready.push_back(Arc::clone(key));
        true
    }

    /// The record whose event is out is done with; the next one of its lane may go out.
    pub(super) fn finish(&mut self, key: &Arc<str>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let Some(lane) = self.by_key.get_mut(key) else { return };
        let finished = lane.pop_front();
        let is_empty = lane.is_empty();
        self.replays -= usize::from(finished.is_some_and(|item| item.is_replay));
        if is_empty {
            self.by_key.remove(key);
        } else {
            self.ready.push_back(Arc::clone(key));
        }
    }

    /// The event that is out has failed, and may go out again then.
    pub(super) fn retry_at(&mut self, key: &Arc<str>, when: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.waiting.insert((when, Arc::clone(key)));
    }

    /// The event that is out has failed for good: all of its lane.
    pub(super) fn give_up(&mut self, key: &str) -> VecDeque<Item<E>> {
        self.in_flight = self.in_flight.saturating_sub(1);
        let lane = self.by_key.remove(key).unwrap_or_default();
        self.replays -= lane.iter().filter(|item| item.is_replay).count();
        lane
    }

    /// Readies the lanes that have waited long enough.
    pub(super) fn wake(&mut self, now: Instant) {
        while self.waiting.first().is_some_and(|(when, _)| *when <= now) {
            if let Some((_, key)) = self.waiting.pop_first() {
                self.ready.push_back(key);
            }
        }
    }

    /// When the next lane has waited long enough.
    pub(super) fn next_wake(&self) -> Option<Instant> {
        self.waiting.first().map(|(when, _)| *when)
    }
}
