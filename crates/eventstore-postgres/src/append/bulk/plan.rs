//! Where each event will stand.

use std::collections::HashMap;

use eventstore_api::{
    AppendBatch, Appended, EventId, GlobalPosition, RestoredBatch, Result, StoreError, StreamAppend,
    StreamId, Timestamp, Version,
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    super::inside::Inside,
    Stopped,
    known_streams::{AsOf, KnownStreams, LogEnd, Stream},
};
use crate::{
    PostgresError,
    columns::{get, moment, number, optional_moment, server_has, signed},
};

/// How the store is at the beginning of a turn to append.
pub(super) struct Start {
    /// The last position.
    head: u64,
    /// What the server's clock says.
    now: Timestamp,
    /// When the last event was recorded.
    last_recorded_at: Timestamp,
    /// Those that are appended to, and others that are known.
    streams: HashMap<StreamId, Stream>,
}

impl Start {
    /// Takes the turn, and looks; `None` where this role may not write into the tables itself.
    pub(super) async fn look(
        inside: Inside<'_, '_>,
        known: &KnownStreams,
        batches: impl Iterator<Item = &AppendBatch>,
    ) -> Result<Option<Self>, Stopped> {
        let Inside { transaction, sql, .. } = inside;
        // Before anything is looked at: a statement sees what was committed before it began.
        let turn = inside.within(transaction.query_one(&sql.take_turn, &[])).await?;
        if !get::<bool>(&turn, 1)? {
            return Ok(None);
        }
        let end = inside.within(transaction.query_one(&sql.log_end, &[])).await?;
        let head = number(&end, 0)?;
        let last = get::<Option<Uuid>>(&end, 3)?.map(EventId::from_uuid);
        let mut streams = known.take(last.map(|event| LogEnd { position: head, event }));
        for append in batches.flat_map(|batch| &batch.appends) {
            streams.entry(append.stream.clone()).or_insert(NOT_LOOKED_FOR);
        }
        look_for(inside, &mut streams).await?;
        Ok(Some(Self {
            head,
            now: moment(&end, 1)?,
            last_recorded_at: optional_moment(&end, 2)?.unwrap_or_default(),
            streams,
        }))
    }
}

/// A stream has no such number.
const NOT_LOOKED_FOR: Stream = Stream { id: 0, version: 0 };

async fn look_for(inside: Inside<'_, '_>, streams: &mut HashMap<StreamId, Stream>) -> Result<(), Stopped> {
    let Inside { transaction, sql, .. } = inside;
    let wanted = streams.iter().filter(|(_, stream)| stream.id == NOT_LOOKED_FOR.id);
    let names: Vec<&str> = wanted.map(|(name, _)| name.as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    let rows = inside.within(transaction.query(&sql.stream_heads, &[&names])).await?;
    let found = rows.iter().map(stream_of).collect::<Result<Vec<_>>>()?;
    for (name, stream) in found {
        if let Some(entry) = streams.get_mut(name) {
            *entry = stream;
        }
    }
    Ok(())
}

fn stream_of(row: &Row) -> Result<(&str, Stream)> {
    Ok((get(row, 0)?, Stream { id: get(row, 1)?, version: number(row, 2)? }))
}

/// Where everything goes.
pub(super) struct Plan {
    start: Start,
    appended: Vec<Appended>,
    /// When each append is recorded.
    times: Vec<Timestamp>,
    last_position: u64,
}

impl Plan {
    /// One append behind the other, each under its guard as it is by then.
    pub(super) fn of(start: Start, batches: &[AppendBatch]) -> Result<Self> {
        let now = start.now.max(start.last_recorded_at);
        let appends = batches.iter().flat_map(|batch| &batch.appends).map(|append| (append, now));
        Self::placed(start, appends)
    }

    /// What another store holds, where it stood there.
    pub(super) fn restoring(start: Start, restored: &[RestoredBatch]) -> Result<Self> {
        let (mut head, mut last) = (start.head, start.last_recorded_at);
        for RestoredBatch { batch, place, .. } in restored {
            place.follows(GlobalPosition::new(head), last)?;
            if !server_has(place.recorded_at) {
                let (position, micros) = (place.first_position, place.recorded_at.as_micros().unsigned_abs());
                return Err(PostgresError::TooEarly { position, micros }.into());
            }
            head += batch.event_count() as u64;
            last = place.recorded_at;
        }
        let appends = restored.iter().flat_map(|RestoredBatch { batch, place, .. }| {
            batch.appends.iter().map(|append| (append, place.recorded_at))
        });
        Self::placed(start, appends)
    }

    fn placed<'b>(
        mut start: Start,
        appends: impl Iterator<Item = (&'b StreamAppend, Timestamp)>,
    ) -> Result<Self> {
        let mut last_position = start.head;
        let (mut appended, mut times) = (Vec::new(), Vec::new());
        for (append, recorded_at) in appends {
            let stream = start.streams.entry(append.stream.clone()).or_insert(Stream { id: 0, version: 0 });
            let actual = Version::new(stream.version);
            if !append.expected.is_met_by(actual) {
                let (stream, expected) = (append.stream.clone(), append.expected);
                return Err(StoreError::WrongExpectedVersion { stream, expected, actual });
            }
            let first = (actual.next(), GlobalPosition::new(last_position + 1));
            stream.version += append.events.len() as u64;
            last_position += append.events.len() as u64;
            let last = (Version::new(stream.version), GlobalPosition::new(last_position));
            appended.push(Appended::new(append.stream.clone(), first, last));
            times.push(recorded_at);
        }
        Ok(Self { start, appended, times, last_position })
    }

    /// Has streams that are new numbered, and partitions made where they are needed.
    pub(super) async fn make_room(&mut self, inside: Inside<'_, '_>) -> Result<(), Stopped> {
        let Inside { transaction, sql, .. } = inside;
        let new = self.start.streams.iter().filter(|(_, stream)| stream.id == 0);
        let names: Vec<&str> = new.map(|(name, _)| name.as_str()).collect();
        if !names.is_empty() {
            let rows = inside.within(transaction.query(&sql.add_streams, &[&names])).await?;
            let added = rows.iter().map(|row| Ok((get(row, 0)?, get(row, 1)?)));
            for (name, id) in added.collect::<Result<Vec<(&str, i64)>>>()? {
                if let Some(stream) = self.start.streams.get_mut(name) {
                    stream.id = id;
                }
            }
        }
        let last = signed(self.last_position);
        inside.within(transaction.execute(&sql.make_room, &[&last])).await?;
        Ok(())
    }

    /// The number of the stream of each append, where the append begins, and when it is recorded, in their order.
    pub(super) fn places(&self) -> impl Iterator<Item = (i64, &Appended, Timestamp)> {
        self.appended.iter().zip(&self.times).map(|(appended, recorded_at)| {
            let stream = self.start.streams.get(&appended.stream).map_or(0, |stream| stream.id);
            (stream, appended, *recorded_at)
        })
    }

    /// The answers, and how streams are once it is committed, of which `last` is the last event.
    pub(super) fn done(self, last: Option<EventId>) -> (Vec<Appended>, Option<AsOf>) {
        let Self { start: Start { streams, .. }, appended, last_position, .. } = self;
        let known = last.map(|event| AsOf { end: LogEnd { position: last_position, event }, streams });
        (appended, known)
    }
}
