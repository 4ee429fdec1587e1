use std::ops::ControlFlow;

use eventstore_api::{Direction, EventFilter, GlobalPosition, Result};
use eventstore_codec::Names;

use super::positions::Positions;
use crate::{
    database::{Caching, Database, Iter},
    layout::{family, keys, record::Record},
};

/// How many events are looked at in vain before a search gives up for now: a tenth of a second of work.
const MOST_IN_VAIN: u32 = 65_536;

/// What is sought.
pub(crate) struct Sought<'f> {
    pub(crate) filter: &'f EventFilter,
    pub(crate) direction: Direction,
    /// Where it begins.
    pub(crate) from: GlobalPosition,
    /// The last one in this direction that is looked at.
    pub(crate) to: GlobalPosition,
    pub(crate) caching: Caching,
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walked {
    /// All was looked at.
    ToTheEnd,
    /// Whoever took what was found wanted no more, from this one on.
    Stopped(GlobalPosition),
    /// There may be more from this one on.
    GaveUp(GlobalPosition),
}

/// A search for events that pass a filter, in their order.
pub(crate) struct Search<'s> {
    database: &'s Database,
    sought: Sought<'s>,
    positions: Positions<'s>,
    events: Iter<'s>,
    /// The position that `events` stands on.
    here: Option<GlobalPosition>,
    names: Names,
}

impl<'s> Search<'s> {
    pub(crate) fn new(database: &'s Database, sought: Sought<'s>) -> Result<Self> {
        let positions = match sought.filter.is_all() {
            true => Positions::Every,
            false => Positions::of(sought.filter, database)?,
        };
        let events = database.iter(family::EVENTS, sought.caching)?;
        Ok(Self { database, sought, positions, events, here: None, names: Names::new() })
    }

    /// Gives each event that passes to `take`, until that wants no more. An event that it breaks at has not been taken.
    pub(crate) fn walk(
        &mut self,
        mut take: impl FnMut(GlobalPosition, Record<'_>, &mut Names) -> Result<ControlFlow<()>>,
    ) -> Result<Walked> {
        let direction = self.sought.direction;
        let (mut from, to) = (self.sought.from, self.sought.to);
        let is_beyond = |position: GlobalPosition| match direction {
            Direction::Forward => position > to,
            Direction::Backward => position < to,
        };
        let mut in_vain = 0;
        while !is_beyond(from) {
            let Some(found) = self.positions.seek(from, direction)?.filter(|found| !is_beyond(*found)) else {
                break;
            };
            self.go_to(found)?;
            let value = self.events.value().unwrap_or_default();
            let malformed = |error| malformed(self.database, found, error);
            let record = Record::read(value, &mut self.names).map_err(malformed)?;
            if record.passes(self.sought.filter, &mut self.names).map_err(malformed)? {
                if take(found, record, &mut self.names)?.is_break() {
                    return Ok(Walked::Stopped(found));
                }
            } else {
                in_vain += 1;
            }
            let Some(next) = next(found, direction) else { break };
            from = next;
            if in_vain >= MOST_IN_VAIN {
                return Ok(if is_beyond(from) { Walked::ToTheEnd } else { Walked::GaveUp(from) });
            }
        }
        Ok(Walked::ToTheEnd)
    }

    /// Has `events` stand on the event at this position, which is there.
    fn go_to(&mut self, wanted: GlobalPosition) -> Result<()> {
        let direction = self.sought.direction;
        let is_next = self.here.and_then(|here| next(here, direction)) == Some(wanted);
        match direction {
            _ if !is_next => self.events.seek(keys::event(wanted)),
            Direction::Forward => self.events.next(),
            Direction::Backward => self.events.prev(),
        }
        if self.database.key(&self.events)? != Some(&keys::event(wanted)) {
            return Err(self.database.corrupted(format!("the event at position {wanted} is missing")));
        }
        self.here = Some(wanted);
        Ok(())
    }
}

/// What to say of a value that is no record.
pub(super) fn malformed(
    database: &Database,
    position: GlobalPosition,
    error: crate::layout::record::Malformed,
) -> eventstore_api::StoreError {
    database.corrupted(format!(
        "what is stored at position {position} is no event: {}",
        eventstore_api::message_with_causes(&error)
    ))
}

fn next(position: GlobalPosition, direction: Direction) -> Option<GlobalPosition> {
    let next = match direction {
        Direction::Forward => position.get().checked_add(1),
        Direction::Backward => position.get().checked_sub(1),
    };
    next.map(GlobalPosition::new)
}
