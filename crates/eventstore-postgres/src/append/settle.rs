//! What the first append of a batch answered, some of which is stored already.

use std::collections::HashMap;

use eventstore_api::{AppendBatch, Appended, EventId, Known, Result, StoreError, StreamId, first_outcome};
use eventstore_codec::Names;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{columns, error::of_read, statements::Statements, store::Store};

/// Looks the events of a batch up. They are never changed, so it may take a transaction of its own.
pub(crate) async fn settle(store: &Store, batch: &AppendBatch) -> Result<Vec<Appended>> {
    let connection = store.connections.get().await?;
    let rows = connection.within(look_up(&*connection, &store.sql, batch)).await.map_err(of_read)?;
    outcome(batch, &rows)
}

async fn look_up(
    connection: &impl deadpool_postgres::GenericClient,
    statements: &Statements,
    batch: &AppendBatch,
) -> std::result::Result<Vec<Row>, tokio_postgres::Error> {
    let (mut ids, mut streams) = (Vec::<Uuid>::new(), Vec::<&str>::new());
    for append in &batch.appends {
        for event in &append.events {
            ids.push(*event.id.as_uuid());
            streams.push(append.stream.as_str());
        }
    }
    let statement = connection.prepare_cached(&statements.known_events).await?;
    connection.query(&statement, &[&ids, &streams]).await
}

fn outcome(batch: &AppendBatch, rows: &[Row]) -> Result<Vec<Appended>> {
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
        let event = columns::event(row, &mut names)?;
        known.insert((event.stream.clone(), event.id), event);
    }
    Ok(known)
}
