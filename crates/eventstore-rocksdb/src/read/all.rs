use std::ops::ControlFlow;

use eventstore_api::{Direction, GlobalPosition, Page, ReadAll, Result};

use super::search::{Search, Sought, Walked, malformed};
use crate::database::{Caching, Database};

/// From how many events on a page is taken for a part of a replay.
const MANY: usize = 256;

/// A page of the order of all events, up to `head`.
pub(crate) fn read_all(database: &Database, query: &ReadAll, head: GlobalPosition) -> Result<Page> {
    let (from, to) = match query.direction {
        Direction::Forward => (query.after.get().saturating_add(1), head.get()),
        Direction::Backward => (query.after.get().saturating_sub(1).min(head.get()), 1),
    };
    let sought = Sought {
        filter: &query.filter,
        direction: query.direction,
        from: GlobalPosition::new(from),
        to: GlobalPosition::new(to),
        caching: if query.limit < MANY { Caching::Kept } else { Caching::Spared },
    };
    let mut room = query.room();
    let mut events = Vec::new();
    let mut search = Search::new(database, sought)?;
    let walked = search.walk(|position, record, names| {
        if !room.take(record.payload_bytes()) {
            return Ok(ControlFlow::Break(()));
        }
        events.push(
            record.into_recorded(position, names).map_err(|error| malformed(database, position, error))?,
        );
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(match (walked, query.direction) {
        (Walked::ToTheEnd, Direction::Forward) => Page::last(events, head.max(query.after)),
        (Walked::ToTheEnd, Direction::Backward) => Page::last(events, GlobalPosition::START),
        (Walked::Stopped(next) | Walked::GaveUp(next), Direction::Forward) => {
            Page::partial(events, GlobalPosition::new(next.get().saturating_sub(1)))
        }
        (Walked::Stopped(next) | Walked::GaveUp(next), Direction::Backward) => {
            Page::partial(events, GlobalPosition::new(next.get().saturating_add(1)))
        }
    })
}
