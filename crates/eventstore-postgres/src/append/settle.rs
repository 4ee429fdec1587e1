//! What the first appends of batches were answered, of which some events are stored already.

use std::collections::HashMap;

use eventstore_api::{
    AppendBatch, Appended, EventId, Known, NewEvent, RecordedEvent, Result, StoreError, StreamId,
    first_outcome,
};
use eventstore_codec::Names;
use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};
use uuid::Uuid;

use super::inside::Inside;
use crate::{
    PostgresError,
    columns::{self, get, number},
    error::of_read,
    read::query,
    requests,
    store::Store,
};

/// Looks the events of batches up. They are never changed, so it may take a transaction of its own.
pub(super) async fn settle(store: &Store, batches: &[&AppendBatch]) -> Vec<Result<Vec<Appended>>> {
    if batches.is_empty() {
        return Vec::new();
    }
    let (ids, streams) = names(batches);
    let rows = query(store, &store.sql.known_events, &[&ids, &streams]).await;
    first_answers(batches, rows)
}

/// The same in a transaction that may have stored them itself.
pub(super) async fn settle_in(inside: Inside<'_>, batches: &[&AppendBatch]) -> Vec<Result<Vec<Appended>>> {
    if batches.is_empty() {
        return Vec::new();
    }
    let (ids, streams) = names(batches);
    let arguments: [(&(dyn ToSql + Sync), Type); 2] =
        [(&ids, Type::UUID_ARRAY), (&streams, Type::TEXT_ARRAY)];
    let asked = requests::rows_unprepared(inside.client(), &inside.sql.known_events, &arguments);
    let rows = inside.within(asked).await;
    first_answers(batches, rows.map_err(of_read))
}

/// Which ids to look for, and in which streams.
fn names<'b>(batches: &[&'b AppendBatch]) -> (Vec<Uuid>, Vec<&'b str>) {
    let appends = batches.iter().flat_map(|batch| &batch.appends);
    let events = appends.flat_map(|append| append.events.iter().map(move |event| (append, event)));
    events.map(|(append, event)| (*event.id.as_uuid(), append.stream.as_str())).unzip()
}

fn first_answers(batches: &[&AppendBatch], rows: Result<Vec<Row>>) -> Vec<Result<Vec<Appended>>> {
    match rows.and_then(|rows| KnownEvents::of(&rows)) {
        Ok(known) => batches.iter().map(|batch| known.first_answer(batch)).collect(),
        Err(error) => batches.iter().map(|_| Err(error.clone())).collect(),
    }
}

/// Events that are stored, or were once.
struct KnownEvents(HashMap<(StreamId, EventId), Found>);

enum Found {
    Stored(RecordedEvent),
    /// It has been taken out of the log.
    Retired {
        position: u64,
    },
}

impl KnownEvents {
    /// Of rows as the statement `known_events` gives them.
    fn of(rows: &[Row]) -> Result<Self> {
        let mut names = Names::new();
        let mut known = HashMap::with_capacity(rows.len());
        for row in rows {
            let (key, found) = match get::<Option<i64>>(row, 0)? {
                Some(_) => {
                    let event = columns::event(row, &mut names)?;
                    ((event.stream.clone(), event.id), Found::Stored(event))
                }
                None => {
                    let position = number(row, columns::COUNT)?;
                    let stream = StreamId::try_from(get::<&str>(row, 1)?)?;
                    let id = EventId::from_uuid(get(row, columns::COUNT + 1)?);
                    ((stream, id), Found::Retired { position })
                }
            };
            known.insert(key, found);
        }
        Ok(Self(known))
    }

    /// What the first append of a batch was answered.
    fn first_answer(&self, batch: &AppendBatch) -> Result<Vec<Appended>> {
        let find = |stream: &StreamId, event: &NewEvent| match self.0.get(&(stream.clone(), event.id)) {
            None => Ok(None),
            Some(Found::Stored(stored)) => Ok(Some(Known {
                version: stored.version,
                position: stored.position,
                same_content: stored.same_content(event),
            })),
            Some(Found::Retired { position }) => {
                Err(StoreError::from(PostgresError::Retired { position: *position }))
            }
        };
        first_outcome(batch, find)?.ok_or_else(|| {
            StoreError::outcome_unknown("events that were known a moment ago are not there any more")
        })
    }
}
