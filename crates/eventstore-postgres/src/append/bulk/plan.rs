//! Where each event will stand.

use eventstore_api::{
    AppendBatch, Appended, EventId, GlobalPosition, RestoredBatch, Result, StoreError, StreamAppend,
    Timestamp, Version,
};
use uuid::Uuid;

use super::{
    super::inside::Inside,
    Stopped,
    known_streams::{AsOf, KnownStreams, LogEnd},
    streams::{Slot, Stream, Streams},
};
use crate::{
    PostgresError,
    columns::{get, moment, number, optional_moment, server_has, signed},
    indexes, requests,
};

/// How the store is at the beginning of a turn to append.
pub(super) struct Start {
    /// The last position.
    pub(super) head: u64,
    /// What the server's clock says.
    now: Timestamp,
    /// When the last event was recorded.
    last_recorded_at: Timestamp,
    /// When the server was started, and its number of the table of streams.
    server_started: Timestamp,
    streams_table: u64,
    /// Those that are appended to, and others that are known.
    streams: Streams,
    /// The slot of the stream of each append, in their order.
    slots: Vec<Slot>,
}

impl Start {
    /// Takes the turn, and looks; `None` where this role may not write into the tables itself.
    pub(super) async fn look(
        inside: Inside<'_>,
        known: &KnownStreams,
        batches: &[&AppendBatch],
    ) -> Result<Option<Self>, Stopped> {
        let (client, sql) = (inside.client(), inside.sql);
        // Before anything is looked at: a statement sees what was committed before it began.
        let turn = inside.within(requests::row_once(client, &sql.take_turn, &[])).await?;
        if !get::<bool>(&turn, 1)? {
            return Ok(None);
        }
        let row = inside.within(requests::row_once(client, &sql.log_end, &[])).await?;
        let (head, server_started, streams_table) = (number(&row, 0)?, moment(&row, 4)?, number(&row, 6)?);
        let last = get::<Option<Uuid>>(&row, 3)?.map(EventId::from_uuid);
        let end = last.map(|event| LogEnd { position: head, event, server_started, streams_table });
        let mut streams = known.take(end, optional_moment(&row, 5)?);
        // Without them each stream that is not known would be looked for in the whole log.
        if head > 0 && streams.len() == 0 && get::<bool>(&row, 7)? {
            indexes::make_in_turn(client, &sql.schema).await?;
        }
        let slots = look_for(inside, batches, &mut streams).await?;
        Ok(Some(Self {
            head,
            now: moment(&row, 1)?,
            last_recorded_at: optional_moment(&row, 2)?.unwrap_or_default(),
            server_started,
            streams_table,
            streams,
            slots,
        }))
    }
}

/// Sees to it that the streams which are appended to are among those that are known, and says in which slot that of each append is.
async fn look_for(
    inside: Inside<'_>,
    batches: &[&AppendBatch],
    streams: &mut Streams,
) -> Result<Vec<Slot>, Stopped> {
    let (client, sql) = (inside.client(), inside.sql);
    let (mut slots, mut unknown) = (Vec::new(), Vec::new());
    for StreamAppend { stream, .. } in batches.iter().flat_map(|batch| &batch.appends) {
        let (slot, is_unknown) = streams.slot_of(stream);
        slots.push(slot);
        if is_unknown {
            unknown.push(stream.as_str());
        }
    }
    if !unknown.is_empty() {
        let rows = inside.within(requests::rows_once(client, &sql.stream_heads, &[&unknown])).await?;
        for row in &rows {
            let found = Stream { id: Some(get(row, 1)?), version: number(row, 2)? };
            if let Some(stream) = streams.named(get(row, 0)?) {
                *stream = found;
            }
        }
    }
    Ok(slots)
}

/// Where everything goes.
pub(super) struct Plan {
    start: Start,
    appended: Vec<Appended>,
    /// When each append is recorded.
    times: Vec<Timestamp>,
    /// The number of the stream of each append, once there is room.
    stream_ids: Vec<i64>,
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
        for ((append, recorded_at), slot) in appends.zip(&start.slots) {
            let actual = Version::new(start.streams.at(*slot).version);
            if !append.expected.is_met_by(actual) {
                let (stream, expected) = (append.stream.clone(), append.expected);
                return Err(StoreError::WrongExpectedVersion { stream, expected, actual });
            }
            let first = (actual.next(), GlobalPosition::new(last_position + 1));
            let events = append.events.len() as u64;
            start.streams.grow(*slot, events);
            last_position += events;
            let last = (Version::new(actual.get() + events), GlobalPosition::new(last_position));
            appended.push(Appended::new(append.stream.clone(), first, last));
            times.push(recorded_at);
        }
        Ok(Self { start, appended, times, stream_ids: Vec::new(), last_position })
    }

    /// Has streams that are new numbered, and partitions made where they are needed.
    pub(super) async fn make_room(&mut self, inside: Inside<'_>) -> Result<(), Stopped> {
        let (client, sql) = (inside.client(), inside.sql);
        let Start { streams, slots, .. } = &mut self.start;
        let appended = self.appended.iter().zip(&*slots);
        let new = appended.filter(|(_, slot)| streams.at(**slot).id.is_none());
        let mut new: Vec<&str> = new.map(|(appended, _)| appended.stream.as_str()).collect();
        if !new.is_empty() {
            new.sort_unstable();
            new.dedup();
            let rows = inside.within(requests::rows_once(client, &sql.add_streams, &[&new])).await?;
            for row in &rows {
                if let Some(stream) = streams.named(get(row, 0)?) {
                    stream.id = Some(get(row, 1)?);
                }
            }
        }
        let ids: Option<Vec<i64>> = slots.iter().map(|slot| streams.at(*slot).id).collect();
        self.stream_ids = ids.ok_or_else(|| StoreError::from(PostgresError::StreamsKeptOut))?;
        let last = signed(self.last_position);
        inside.within(requests::rows_once(client, &sql.make_room, &[&last])).await?;
        Ok(())
    }

    /// The number of the stream of each append, where the append begins, and when it is recorded, in their order.
    pub(super) fn rows_begin(&self) -> impl Iterator<Item = (i64, &Appended, Timestamp)> {
        let whens = self.appended.iter().zip(&self.times);
        self.stream_ids.iter().zip(whens).map(|(stream, (appended, when))| (*stream, appended, *when))
    }

    /// The answers, and how streams are once it is committed, of which `last` is the last event.
    pub(super) fn done(self, last: Option<EventId>) -> (Vec<Appended>, Option<AsOf>) {
        let Self { start, appended, last_position, .. } = self;
        let Start { now, server_started, streams_table, streams, .. } = start;
        let end = last.map(|event| LogEnd { position: last_position, event, server_started, streams_table });
        (appended, end.map(|end| AsOf { end, turn: now, streams }))
    }
}
