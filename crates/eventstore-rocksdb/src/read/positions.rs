//! Where events may be that pass a filter, as the indexes tell.

use eventstore_api::{Criterion, Direction, EventFilter, GlobalPosition, Result, StreamId, Version};

use super::name_walk::NameWalk;
use crate::{
    database::Database,
    layout::{entry, family, keys},
};

/// How many lists are gone through for one filter at the most: each holds a block of an index in memory. Where it takes more,
/// every event is looked at.
const MOST_LISTS: usize = 128;
/// How many tags of a criterion are looked up: the others are seen in the event.
const TAGS: usize = 4;

/// Positions in order. Each event that passes is at one of them, and not each has one that passes.
pub(super) enum Positions<'d> {
    /// All there are.
    Every,
    /// Those of a stream's events.
    Stream(StreamPositions<'d>),
    /// Those of events with a tag.
    Tag(NameWalk<'d>),
    /// Those in blocks with events of a type.
    Type(NameWalk<'d>),
    /// Those that are in every one of these.
    InAll(Vec<Self>),
    /// Those that are in any of these.
    InAny(Vec<Self>),
}

impl<'d> Positions<'d> {
    /// Where the events may be that pass this filter.
    pub(super) fn of(filter: &EventFilter, database: &'d Database) -> Result<Self> {
        let Some(criteria) = filter.criteria() else { return Ok(Self::Every) };
        let lists: Option<usize> = criteria.iter().map(lists_of).sum();
        if lists.is_none_or(|lists| lists > MOST_LISTS) {
            return Ok(Self::Every);
        }
        let each = criteria.iter().map(|criterion| Self::of_criterion(criterion, database));
        Ok(Self::InAny(each.collect::<Result<_>>()?))
    }

    fn of_criterion(criterion: &Criterion, database: &'d Database) -> Result<Self> {
        let mut all = Vec::new();
        if let Some(stream) = &criterion.stream {
            all.push(Self::Stream(StreamPositions::new(database, stream)?));
        }
        for tag in criterion.tags.iter().take(TAGS) {
            let key = keys::tag(tag, GlobalPosition::START);
            all.push(Self::Tag(NameWalk::new(database, family::POSTINGS, key)?));
        }
        // With one of the others, there are few left to look at.
        if let Some(types) = criterion.event_types.as_ref().filter(|types| all.is_empty() || types.is_empty())
        {
            let blocks = types.iter().map(|event_type| {
                let key = keys::event_type(event_type, 0);
                NameWalk::new(database, family::POSTINGS, key).map(Self::Type)
            });
            all.push(Self::InAny(blocks.collect::<Result<_>>()?));
        }
        Ok(Self::InAll(all))
    }

    /// The first of them at this position or beyond.
    pub(super) fn seek(
        &mut self,
        from: GlobalPosition,
        direction: Direction,
    ) -> Result<Option<GlobalPosition>> {
        match self {
            Self::Every => Ok(Some(from)),
            Self::Stream(stream) => stream.seek(from, direction),
            Self::Tag(walk) => {
                let found = walk.go_on_to(from.get(), direction)?;
                Ok(found.map(|(position, _)| GlobalPosition::new(position)))
            }
            Self::Type(walk) => {
                let wanted = keys::block(from);
                let found = walk.go_on_to(wanted, direction)?.map(|(block, _)| block);
                Ok(found.map(|block| match keys::block_ends(block) {
                    _ if block == wanted => from,
                    (first, last) => {
                        if direction == Direction::Forward {
                            first
                        } else {
                            last
                        }
                    }
                }))
            }
            Self::InAll(lists) => seek_in_all(lists, from, direction),
            Self::InAny(lists) => {
                let mut nearest = None;
                for list in lists {
                    let Some(found) = list.seek(from, direction)? else { continue };
                    nearest = Some(nearest.map_or(found, |nearest| match direction {
                        Direction::Forward => found.min(nearest),
                        Direction::Backward => found.max(nearest),
                    }));
                }
                Ok(nearest)
            }
        }
    }
}

/// How many lists a criterion takes; `None` where no list says anything about it.
fn lists_of(criterion: &Criterion) -> Option<usize> {
    let types = criterion.event_types.as_ref().map(Vec::len);
    let named = usize::from(criterion.stream.is_some()) + criterion.tags.len().min(TAGS);
    match (named, types) {
        (_, Some(0)) => Some(named),
        (0, types) => types,
        (named, _) => Some(named),
    }
}

fn seek_in_all(
    lists: &mut [Positions<'_>],
    from: GlobalPosition,
    direction: Direction,
) -> Result<Option<GlobalPosition>> {
    let mut wanted = from;
    'again: loop {
        for list in &mut *lists {
            match list.seek(wanted, direction)? {
                None => return Ok(None),
                Some(found) if found != wanted => {
                    wanted = found;
                    continue 'again;
                }
                Some(_) => {}
            }
        }
        return Ok(Some(wanted));
    }
}

/// The positions of a stream's events, which rise with their versions.
pub(super) struct StreamPositions<'d> {
    database: &'d Database,
    walk: NameWalk<'d>,
    last: Version,
    /// The version that the walk has come to, and its position.
    here: Option<(u64, GlobalPosition)>,
}

/// How many versions are stepped over before the others are halved.
const STEPS: u32 = 8;

impl<'d> StreamPositions<'d> {
    fn new(database: &'d Database, stream: &StreamId) -> Result<Self> {
        let mut walk = NameWalk::new(database, family::STREAMS, keys::stream(stream, Version::NONE))?;
        let last = walk.seek(u64::MAX, Direction::Backward)?.map_or(0, |(version, _)| version);
        Ok(Self { database, walk, last: Version::new(last), here: None })
    }

    fn seek(&mut self, from: GlobalPosition, direction: Direction) -> Result<Option<GlobalPosition>> {
        let is_there = |position: GlobalPosition| match direction {
            Direction::Forward => position >= from,
            Direction::Backward => position <= from,
        };
        let (mut version, mut position) = match self.here {
            Some(here) => here,
            None => match self.first_of_walk(direction)? {
                Some(first) => first,
                None => return Ok(None),
            },
        };
        for _ in 0..STEPS {
            if is_there(position) {
                self.here = Some((version, position));
                return Ok(Some(position));
            }
            let next = match direction {
                Direction::Forward => version.checked_add(1).filter(|next| *next <= self.last.get()),
                Direction::Backward => version.checked_sub(1).filter(|next| *next > 0),
            };
            let Some(next) = next else {
                self.here = Some((version, position));
                return Ok(None);
            };
            version = next;
            position = self.at(version)?;
        }
        self.halve(version, is_there, direction)
    }

    fn first_of_walk(&mut self, direction: Direction) -> Result<Option<(u64, GlobalPosition)>> {
        let version = match direction {
            _ if self.last == Version::NONE => return Ok(None),
            Direction::Forward => 1,
            Direction::Backward => self.last.get(),
        };
        Ok(Some((version, self.at(version)?)))
    }

    /// The nearest version from this one on that is there, by halving.
    fn halve(
        &mut self,
        from: u64,
        is_there: impl Fn(GlobalPosition) -> bool,
        direction: Direction,
    ) -> Result<Option<GlobalPosition>> {
        // What is at `near` is not there; what is at `far` is, or lies beyond the stream.
        let (mut near, mut far) =
            (from, if direction == Direction::Forward { self.last.get().saturating_add(1) } else { 0 });
        if is_there(self.at(near)?) {
            self.here = Some((near, self.at(near)?));
            return Ok(self.here.map(|(_, position)| position));
        }
        while near.abs_diff(far) > 1 {
            let middle = near.midpoint(far);
            if is_there(self.at(middle)?) {
                far = middle;
            } else {
                near = middle;
            }
        }
        if far == 0 || far > self.last.get() {
            self.here = Some((near, self.at(near)?));
            return Ok(None);
        }
        let position = self.at(far)?;
        self.here = Some((far, position));
        Ok(Some(position))
    }

    /// Where the event of this version is.
    fn at(&mut self, version: u64) -> Result<GlobalPosition> {
        let found = self.walk.seek(version, Direction::Forward)?;
        let place = found.filter(|(found, _)| *found == version).and_then(|(_, value)| entry::read(value));
        place.map(|(position, _)| position).ok_or_else(|| {
            self.database.corrupted(format!(
                "version {version} is missing in the index of a stream with {}",
                self.last
            ))
        })
    }
}
