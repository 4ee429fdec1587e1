//! A page that is asked for, of whichever server may answer.

use std::{cmp::Reverse, pin::pin};

use deadpool_postgres::Object;
use eventstore_api::{Direction, GlobalPosition, PageRoom, RecordedEvent, Result};
use eventstore_codec::Names;
use futures_util::TryStreamExt;
use tokio_postgres::{Row, Statement, types::ToSql};

use crate::{
    columns::{self, get, number},
    requests::{self, Request},
};

pub(crate) struct Question<'q> {
    pub(crate) sql: &'q str,
    pub(crate) arguments: &'q [&'q (dyn ToSql + Sync)],
    /// Whether to keep it prepared is worth its memory.
    pub(crate) is_common: bool,
    /// In which order events stand on the page.
    pub(crate) direction: Direction,
    /// What its reader has seen, whoever showed it to him.
    pub(crate) seen: GlobalPosition,
    /// What fits on the page.
    pub(crate) room: PageRoom,
    pub(crate) columns: Columns,
}

/// What stands in a row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Columns {
    Event,
    /// An event or NULL, and how far was looked at: as [`FilteredPage`](crate::filter::FilteredPage) has them.
    EventAndLooked,
}

/// What came of it.
pub(crate) struct Answer {
    pub(crate) events: Vec<RecordedEvent>,
    /// Whether there was an event that did not fit, or cannot be read.
    pub(crate) is_cut: bool,
    /// How far was looked at, and whether there is more to look at.
    pub(crate) looked: Option<(GlobalPosition, bool)>,
}

impl Question<'_> {
    pub(crate) fn prepared_on<'a>(&'a self, connection: &'a Object) -> Request<'a, Statement> {
        match self.is_common {
            true => requests::kept(connection, self.sql),
            false => requests::prepared(connection, self.sql),
        }
    }

    /// The answer. Events are made while rows come: the server is at work on its end meanwhile.
    ///
    /// # Errors
    ///
    /// What the server says, or what became of the connection; and inside, an event that cannot be read, with which the page begins.
    // Boxed and not inlined: see `requests`.
    #[inline(never)]
    pub(crate) fn ask<'a>(
        &'a self,
        connection: &'a Object,
        prepared: &'a Statement,
    ) -> Request<'a, Result<Answer>> {
        Box::pin(async move {
            let mut rows = pin!(connection.query_raw(prepared, self.arguments.iter().copied()).await?);
            let (mut found, mut looked, mut names) = (Vec::new(), None, Names::new());
            while let Some(row) = rows.try_next().await? {
                if self.columns == Columns::EventAndLooked {
                    match look_at(&row) {
                        Ok(so_far) => looked = Some(so_far),
                        Err(error) => return Ok(Err(error)),
                    }
                }
                match get::<Option<i64>>(&row, 0) {
                    Ok(Some(position)) => found.push((position, columns::event(&row, &mut names))),
                    Ok(None) => {}
                    Err(error) => return Ok(Err(error)),
                }
            }
            Ok(self.put_in_order(found, looked))
        })
    }

    /// The page that these make: the server gives them as it finds them, and its sorting would copy each of them.
    fn put_in_order(
        &self,
        mut found: Vec<(i64, Result<RecordedEvent>)>,
        looked: Option<(GlobalPosition, bool)>,
    ) -> Result<Answer> {
        match self.direction {
            Direction::Forward => found.sort_unstable_by_key(|(position, _)| *position),
            Direction::Backward => found.sort_unstable_by_key(|(position, _)| Reverse(*position)),
        }
        let mut answer = Answer { events: Vec::with_capacity(found.len()), is_cut: false, looked };
        let mut room = self.room.clone();
        for (_, event) in found {
            match event {
                Ok(event) if room.take(event.payload.len()) => answer.events.push(event),
                Err(error) if answer.events.is_empty() => return Err(error),
                // What is whole before it is shown; the next page begins with it, and says what is wrong.
                Ok(_) | Err(_) => {
                    answer.is_cut = true;
                    break;
                }
            }
        }
        Ok(answer)
    }
}

/// How far was looked, and whether there is more to look at.
fn look_at(row: &Row) -> Result<(GlobalPosition, bool)> {
    Ok((GlobalPosition::new(number(row, columns::COUNT)?), get(row, columns::COUNT + 1)?))
}

impl Answer {
    /// The last position that it shows.
    pub(crate) fn last_position(&self) -> GlobalPosition {
        let ends = self.events.first().into_iter().chain(self.events.last());
        ends.map(|event| event.position).max().unwrap_or(GlobalPosition::START)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

    use eventstore_api::{EventType, NewEvent, Placement, StoreError, StreamId, Timestamp, Version};

    use super::*;

    fn event(position: i64) -> (i64, Result<RecordedEvent>) {
        let place = GlobalPosition::new(position.unsigned_abs());
        let placement = Placement {
            stream: StreamId::new("a").unwrap(),
            version: Version::new(place.get()),
            position: place,
            recorded_at: Timestamp::from_micros(0),
        };
        (position, Ok(NewEvent::new(EventType::new("Counted").unwrap(), "{}").record(placement)))
    }

    /// The positions on a page of at most so many events, and whether it is cut.
    fn page(
        direction: Direction,
        limit: usize,
        found: Vec<(i64, Result<RecordedEvent>)>,
    ) -> Result<(Vec<u64>, bool)> {
        let question = Question {
            sql: "",
            arguments: &[],
            is_common: true,
            direction,
            seen: GlobalPosition::START,
            room: PageRoom::new(limit, usize::MAX),
            columns: Columns::Event,
        };
        let answer = question.put_in_order(found, None)?;
        Ok((answer.events.iter().map(|event| event.position.get()).collect(), answer.is_cut))
    }

    #[test]
    fn events_stand_in_their_order_however_the_server_finds_them() {
        let found = || Vec::from([2, 3, 1].map(event));
        assert_eq!(page(Direction::Forward, 3, found()).unwrap(), (vec![1, 2, 3], false));
        assert_eq!(page(Direction::Backward, 3, found()).unwrap(), (vec![3, 2, 1], false));
        assert_eq!(page(Direction::Forward, 2, found()).unwrap(), (vec![1, 2], true));
        assert_eq!(page(Direction::Backward, 1, found()).unwrap(), (vec![3], true));
    }

    #[test]
    fn what_is_whole_before_an_event_that_cannot_be_read_is_shown() {
        let damaged =
            |position| (position, Err(StoreError::Corrupted { place: "here".into(), detail: String::new() }));
        let found = || vec![event(3), damaged(2), event(1)];
        assert_eq!(page(Direction::Forward, 9, found()).unwrap(), (vec![1], true));
        assert_eq!(page(Direction::Backward, 9, found()).unwrap(), (vec![3], true));
        assert!(page(Direction::Forward, 9, vec![event(2), damaged(1)]).is_err());
    }
}
