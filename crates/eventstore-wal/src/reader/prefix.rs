//! Reading of a log that may be known only up to where it is damaged.

use eventstore_api::{Direction, GlobalPosition, Page, ReadAll, StreamId, StreamPage, StreamRange};

use super::shared::Shared;
use crate::{damage::Failure, index::Wait, read};

/// A page of the order of all events. Where the log ends with damage, no page says that the end is reached.
pub(super) fn read_all(shared: &Shared, query: &ReadAll, wait: Wait) -> Result<Page, Failure> {
    // Asked before the read, which then shows all that it ended.
    let damage = shared.damage();
    let head = GlobalPosition::new(shared.catalog().published().head);
    let Some(damage) = damage else { return read::read_all(shared.catalog(), query, wait) };
    let begins_behind = match query.direction {
        Direction::Forward => query.after >= head,
        Direction::Backward => query.after.get() > head.get().saturating_add(1),
    };
    if begins_behind {
        return Err(damage.clone().into());
    }
    let page = read::read_all(shared.catalog(), query, wait)?;
    match query.direction {
        Direction::Forward if page.end_reached => Ok(Page::partial(page.events, page.next)),
        _ => Ok(page),
    }
}

/// A part of a stream. Where the log ends with damage, nobody knows how the stream goes on.
pub(super) fn read_stream(
    shared: &Shared,
    stream: &StreamId,
    range: StreamRange,
    wait: Wait,
) -> Result<StreamPage, Failure> {
    let damage = shared.damage();
    let page = read::read_stream(shared.catalog(), stream, range, wait)?;
    let Some(damage) = damage else { return Ok(page) };
    let is_answered = match range.direction {
        Direction::Forward => range.limit == Some(page.events.len()),
        Direction::Backward => {
            range.limit == Some(0) || range.after <= shared.catalog().version(stream).next()
        }
    };
    match range.direction {
        _ if is_answered => Ok(page),
        Direction::Forward if !page.events.is_empty() => Ok(StreamPage::partial(page.events)),
        _ => Err(damage.clone().into()),
    }
}
