//! A page that is asked for, of whichever server may answer.

use std::pin::pin;

use deadpool_postgres::Object;
use eventstore_api::{GlobalPosition, PageRoom, RecordedEvent, Result};
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

    /// The answer, made while it comes: the server is at work on its end meanwhile.
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
            let mut answer = Answer { events: Vec::new(), is_cut: false, looked: None };
            let (mut room, mut names) = (self.room.clone(), Names::new());
            while let Some(row) = rows.try_next().await? {
                match self.take(&row, &mut answer, &mut room, &mut names) {
                    Ok(()) if answer.is_cut => break,
                    Ok(()) => {}
                    Err(error) if answer.events.is_empty() => return Ok(Err(error)),
                    // What is whole before it is shown; the next page begins with it, and says what is wrong.
                    Err(_) => {
                        answer.is_cut = true;
                        break;
                    }
                }
            }
            Ok(Ok(answer))
        })
    }

    fn take(&self, row: &Row, answer: &mut Answer, room: &mut PageRoom, names: &mut Names) -> Result<()> {
        if self.columns == Columns::EventAndLooked {
            let (through, is_cut) = (number(row, columns::COUNT)?, get(row, columns::COUNT + 1)?);
            answer.looked = Some((GlobalPosition::new(through), is_cut));
            if get::<Option<i64>>(row, 0)?.is_none() {
                return Ok(());
            }
        }
        let event = columns::event(row, names)?;
        match room.take(event.payload.len()) {
            true => answer.events.push(event),
            false => answer.is_cut = true,
        }
        Ok(())
    }
}

impl Answer {
    /// The last position that it shows.
    pub(crate) fn last_position(&self) -> GlobalPosition {
        let ends = self.events.first().into_iter().chain(self.events.last());
        ends.map(|event| event.position).max().unwrap_or(GlobalPosition::START)
    }
}
