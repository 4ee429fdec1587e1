//! What the first append of a batch answered, some of which is stored already.

use std::collections::HashMap;

use eventstore_api::{AppendBatch, Appended, EventId, Known, Result, StoreError, StreamId, first_outcome};
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
    store::Store,
};

/// Looks the events of a batch up. They are never changed, so it may take a transaction of its own.
pub(super) async fn settle(store: &Store, batch: &AppendBatch) -> Result<Vec<Appended>> {
    let (ids, streams) = names(batch);
    let rows = query(store, &store.sql.known_events, &[&ids, &streams]).await?;
    first_answer(batch, &rows)
}

/// The same in a transaction that may have stored them itself.
pub(super) async fn settle_in(inside: Inside<'_, '_>, batch: &AppendBatch) -> Result<Vec<Appended>> {
    let (ids, streams) = names(batch);
    let arguments: [(&(dyn ToSql + Sync), Type); 2] =
        [(&ids, Type::UUID_ARRAY), (&streams, Type::TEXT_ARRAY)];
    let rows = inside.within(inside.transaction.query_typed(&inside.sql.known_events, &arguments)).await;
    first_answer(batch, &rows.map_err(of_read)?)
}

/// Which ids to look for, and in which streams.
fn names(batch: &AppendBatch) -> (Vec<Uuid>, Vec<&str>) {
    let events =
        batch.appends.iter().flat_map(|append| append.events.iter().map(move |event| (append, event)));
    events.map(|(append, event)| (*event.id.as_uuid(), append.stream.as_str())).unzip()
}

fn first_answer(batch: &AppendBatch, rows: &[Row]) -> Result<Vec<Appended>> {
    let known = known_events(rows)?;
    let find = |stream: &StreamId, event: &eventstore_api::NewEvent| {
        Ok::<_, StoreError>(known.get(&(stream.clone(), event.id)).map(|stored| Known {
            version: stored.version,
            position: stored.position,
            same_content: stored.same_content(event),
        }))
    };
    let first = first_outcome(batch, find)?;
    first.ok_or_else(|| {
        StoreError::outcome_unknown("events that were known a moment ago are not there any more")
    })
}

fn known_events(rows: &[Row]) -> Result<HashMap<(StreamId, EventId), eventstore_api::RecordedEvent>> {
    let mut names = Names::new();
    let mut known = HashMap::with_capacity(rows.len());
    for row in rows {
        if get::<Option<i64>>(row, 0)?.is_none() {
            return Err(PostgresError::Retired { position: number(row, columns::COUNT)? }.into());
        }
        let event = columns::event(row, &mut names)?;
        known.insert((event.stream.clone(), event.id), event);
    }
    Ok(known)
}
