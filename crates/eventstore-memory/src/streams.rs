use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
};

use dashmap::DashMap;
use eventstore_api::{Direction, EventId, StreamId, StreamRange, Version};
use foldhash::fast::RandomState;

/// Which positions of the log belong to which stream.
#[derive(Default)]
pub(crate) struct Streams {
    by_id: DashMap<StreamId, Stream, RandomState>,
    count: AtomicU64,
}

/// One stream: the event of version `v` lies at `positions[v - 1]`.
#[derive(Default)]
struct Stream {
    positions: Vec<u64>,
    versions: HashMap<EventId, Version, RandomState>,
}

/// The first positions of a part of a stream, in the direction of reading.
pub(crate) struct Part {
    pub(crate) positions: Vec<u64>,
    /// Whether nothing of the range lies behind them.
    pub(crate) is_rest: bool,
}

/// At most how many positions are copied at a time, so that a read holds up neither its thread nor a writer for long.
const MOST: usize = 4_096;

impl Streams {
    /// How many streams hold events.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// The version of a stream's last event. Under the writer's lock this cannot change.
    pub(crate) fn version(&self, stream: &StreamId) -> Version {
        self.by_id.get(stream).map_or(Version::NONE, |stream| stream.version())
    }

    /// Where an event of a stream is, if it is there.
    pub(crate) fn find(&self, stream: &StreamId, id: EventId) -> Option<(Version, u64)> {
        self.by_id.get(stream)?.find(id)
    }

    /// Whether a stream holds none of these ids: the usual case, told without allocating.
    pub(crate) fn knows_none(&self, stream: &StreamId, mut ids: impl Iterator<Item = EventId>) -> bool {
        self.by_id.get(stream).is_none_or(|stream| !ids.any(|id| stream.versions.contains_key(&id)))
    }

    /// Looks at the positions of a stream, in rising order. Those of an append that is under way are among them already.
    ///
    /// Looking at a second list meanwhile could wait for ever: for a writer that waits for this look to end.
    pub(crate) fn look<R>(&self, stream: &StreamId, look: impl FnOnce(&[u64]) -> R) -> R {
        match self.by_id.get(stream) {
            Some(stream) => look(&stream.positions),
            None => look(&[]),
        }
    }

    /// Adds events to a stream, at these positions, and returns the version the stream had before. Under the writer's
    /// lock only.
    pub(crate) fn extend(&self, stream: &StreamId, events: impl Iterator<Item = (EventId, u64)>) -> Version {
        match self.by_id.get_mut(stream) {
            Some(mut stream) => stream.extend(events),
            None => {
                self.count.fetch_add(1, Ordering::Relaxed);
                self.by_id.entry(stream.clone()).or_default().extend(events)
            }
        }
    }

    /// The first positions of a part of a stream, up to `head`, in the direction of reading.
    pub(crate) fn part(&self, stream: &StreamId, range: StreamRange, head: u64) -> Part {
        let Some(stream) = self.by_id.get(stream) else {
            return Part { positions: Vec::new(), is_rest: true };
        };
        // An append that is under way has its positions here already; its events show with the head.
        let visible = stream.positions.partition_point(|&position| position <= head);
        let after = usize::try_from(range.after.get()).unwrap_or(usize::MAX);
        let places = match range.direction {
            Direction::Forward => after.min(visible)..visible,
            Direction::Backward => 0..visible.min(after.saturating_sub(1)),
        };
        let wanted = places.len().min(range.limit.unwrap_or(usize::MAX));
        let count = wanted.min(MOST);
        let places = match range.direction {
            Direction::Forward => places.start..places.start + count,
            Direction::Backward => places.end - count..places.end,
        };
        let mut positions = stream.positions.get(places).unwrap_or_default().to_vec();
        if range.direction == Direction::Backward {
            positions.reverse();
        }
        Part { positions, is_rest: count == wanted }
    }
}

impl Stream {
    fn version(&self) -> Version {
        Version::new(self.positions.len() as u64)
    }

    fn extend(&mut self, events: impl Iterator<Item = (EventId, u64)>) -> Version {
        let before = self.version();
        for (id, position) in events {
            self.positions.push(position);
            self.versions.insert(id, self.version());
        }
        before
    }

    fn find(&self, id: EventId) -> Option<(Version, u64)> {
        let version = *self.versions.get(&id)?;
        let index = usize::try_from(version.get() - 1).ok()?;
        Some((version, *self.positions.get(index)?))
    }
}
