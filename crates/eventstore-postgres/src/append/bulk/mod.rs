//! Appending much at once: rows go to the server as a stream (`COPY`), and their places are worked out here.

mod plan;
mod rows;

use std::collections::HashSet;

use deadpool_postgres::Transaction;
use eventstore_api::{AppendBatch, Appended, Result, StoreError, StreamAppend};
use tokio_postgres::error::SqlState;

use self::{
    plan::{Plan, Start},
    rows::Rows,
};
use super::inside::append_each;
use crate::{
    error::{of_read, of_write},
    store::Store,
};

/// Appends one after the other, in one transaction.
pub(crate) async fn import(store: &Store, appends: Vec<StreamAppend>) -> Result<Vec<Appended>> {
    let batches = appends.into_iter().map(batch_of).collect::<Result<Vec<_>>>()?;
    if batches.is_empty() {
        return Ok(Vec::new());
    }
    let mut connection = store.connections.get().await?;
    let transaction = connection.transaction().await.map_err(of_read)?;
    let appended = match copy(store, &transaction, &batches).await {
        Ok(appended) => {
            transaction.commit().await.map_err(of_write)?;
            appended
        }
        Err(Refused::NotByCopy) => {
            transaction.rollback().await.map_err(of_read)?;
            let transaction = connection.transaction().await.map_err(of_read)?;
            let appended = by_calls(store, &transaction, &batches).await?;
            transaction.commit().await.map_err(of_write)?;
            appended
        }
        Err(Refused::Error(error)) => return Err(error),
    };
    if let Some(last) = appended.iter().map(|it| it.last_position).max() {
        store.head.has_appended(last);
    }
    Ok(appended)
}

fn batch_of(append: StreamAppend) -> Result<AppendBatch> {
    let batch = AppendBatch::single(append.stream, append.expected, append.events);
    batch.validate()?;
    Ok(batch)
}

/// Why rows were not copied.
enum Refused {
    /// Some event may be stored already, or this role may not write to tables itself.
    NotByCopy,
    Error(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Error(error)
    }
}

async fn copy(
    store: &Store,
    transaction: &Transaction<'_>,
    batches: &[AppendBatch],
) -> std::result::Result<Vec<Appended>, Refused> {
    let start = Start::look(store, transaction, batches).await?.ok_or(Refused::NotByCopy)?;
    let mut plan = Plan::of(start, batches)?;
    plan.make_room(store, transaction).await?;
    let copied = async {
        let rows = Rows { transaction, sql: &store.sql };
        rows.copy_events(&plan, batches).await?;
        rows.copy_tags(&plan, batches).await
    };
    match copied.await {
        Ok(()) => Ok(plan.into_appended()),
        Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => Err(Refused::NotByCopy),
        Err(error) => Err(of_read(error).into()),
    }
}

/// Through `append_events`, which settles retries and which every writer may call: as many at a time as name different streams.
async fn by_calls(
    store: &Store,
    transaction: &Transaction<'_>,
    batches: &[AppendBatch],
) -> Result<Vec<Appended>> {
    let mut appended = Vec::with_capacity(batches.len());
    let mut rest = batches;
    while !rest.is_empty() {
        let (run, behind) = rest.split_at(run_length(rest));
        appended.extend(append_each(transaction, &store.sql, run.iter()).await?.into_iter().flatten());
        rest = behind;
    }
    Ok(appended)
}

/// What the server makes arrays of at once, about.
const MOST_EVENTS: usize = 4_096;

/// How many batches go by before a stream comes back, or before there are many events; one at least.
fn run_length(batches: &[AppendBatch]) -> usize {
    let (mut seen, mut events) = (HashSet::new(), 0);
    for (length, batch) in batches.iter().enumerate() {
        events += batch.event_count();
        let is_apart = batch.appends.iter().all(|append| seen.insert(&append.stream));
        if length > 0 && !(is_apart && events <= MOST_EVENTS) {
            return length;
        }
    }
    batches.len()
}
