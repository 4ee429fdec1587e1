//! Appending much at once: rows go to the server as a stream (`COPY`), and their places are worked out here.

mod known_streams;
mod load;
mod plan;
mod rows;
mod streams;

use std::collections::HashSet;

use eventstore_api::{AppendBatch, Appended, InvalidInput, RestoredBatch, Result, StoreError, StreamAppend};
use futures_util::future::BoxFuture;
use tokio_postgres::error::SqlState;

use self::{
    known_streams::AsOf,
    plan::{Plan, Start},
    rows::{copy_events, copy_tags},
};
pub(crate) use self::{
    known_streams::KnownStreams,
    load::{BulkLoad, end as end_bulk_load},
};
use super::inside::Inside;
use crate::{
    PostgresError,
    error::{Failure, of_read, of_write},
    lent::{Lent, in_time},
    store::Store,
};

/// Appends one after the other, in one transaction.
pub(crate) async fn import(store: &Store, appends: Vec<StreamAppend>) -> Result<Vec<Appended>> {
    let batches = appends.into_iter().map(batch_of).collect::<Result<Vec<_>>>()?;
    if batches.is_empty() {
        return Ok(Vec::new());
    }
    let mut connection = store.connections.get().await?;
    let busy = connection.busy();
    let mut imported = transact(store, &mut connection, Way::Copy(Copied::Appends(&batches))).await;
    if matches!(imported, Err(Stopped::NotByCopy(_))) {
        imported = transact(store, &mut connection, Way::Calls(&batches)).await;
    }
    busy.end();
    answer(store, &connection, imported)
}

/// Stores what another store holds, where it stood there, in one transaction.
pub(crate) async fn restore(store: &Store, restored: Vec<RestoredBatch>) -> Result<()> {
    if restored.is_empty() {
        return Ok(());
    }
    let events = restored.iter().map(|restored| restored.batch.event_count() as u64).sum();
    let mut connection = match store.bulk_load.go_on(events) {
        Some(connection) => connection,
        None => {
            load::end(store).await?;
            store.connections.get().await?
        }
    };
    let busy = connection.busy();
    let stored = transact(store, &mut connection, Way::Copy(Copied::Restored(&restored))).await;
    busy.end();
    let stored = answer(store, &connection, stored).map(drop);
    if stored.is_ok() {
        store.bulk_load.put_by(connection);
    }
    stored
}

fn answer(store: &Store, connection: &Lent, done: Result<Vec<Appended>, Stopped>) -> Result<Vec<Appended>> {
    let answer = done.map_err(|stopped| stopped.error(connection));
    if answer.as_ref().is_err_and(StoreError::is_retryable) {
        // The server may be at work on it still.
        connection.spoil();
    }
    store.head.note_answer(&answer);
    answer
}

#[derive(Clone, Copy)]
enum Way<'b> {
    Copy(Copied<'b>),
    /// Through `append_events`, which settles retries, and which every writer may call.
    Calls(&'b [AppendBatch]),
}

#[derive(Clone, Copy)]
enum Copied<'b> {
    Appends(&'b [AppendBatch]),
    /// Events where they stood. Nothing takes the place of their copy: a function that gives places would give any.
    Restored(&'b [RestoredBatch]),
}

impl<'b> Copied<'b> {
    fn batches(self) -> Vec<&'b AppendBatch> {
        match self {
            Self::Appends(batches) => batches.iter().collect(),
            Self::Restored(restored) => restored.iter().map(|restored| &restored.batch).collect(),
        }
    }

    fn plan(self, start: Start) -> Result<Plan, Stopped> {
        match self {
            // It may be a retry, whose guards do not hold any more.
            Self::Appends(batches) => Plan::of(start, batches).map_err(Stopped::NotByCopy),
            Self::Restored(restored) => Ok(Plan::restoring(start, restored)?),
        }
    }

    /// What it means that this was not copied.
    fn stopped(self, stopped: Stopped) -> Stopped {
        match self {
            Self::Appends(_) => stopped.or_by_calls(),
            Self::Restored(_) => stopped.or_stored_elsewhere(),
        }
    }
}

/// Why nothing was stored; at the commit, perhaps all of it was.
enum Stopped {
    /// Some event may be stored already, or this role may not write to tables itself.
    NotByCopy(StoreError),
    Refused(StoreError),
    Failed(Failure),
    /// It is not known whether the commit was made.
    AtCommit(Failure),
}

impl Stopped {
    /// What stops a copy and no call: an id is known, or this role may write to some of the tables and not to all.
    fn or_by_calls(self) -> Self {
        const NOT_BY_COPY: [&SqlState; 2] = [&SqlState::UNIQUE_VIOLATION, &SqlState::INSUFFICIENT_PRIVILEGE];
        match self {
            Self::Failed(failure) if failure.code().is_some_and(|code| NOT_BY_COPY.contains(&code)) => {
                Self::NotByCopy(of_read(failure))
            }
            other => other,
        }
    }

    /// Places that are next can violate no key but that of the ids.
    fn or_stored_elsewhere(self) -> Self {
        match self {
            Self::Failed(failure) if failure.code() == Some(&SqlState::UNIQUE_VIOLATION) => {
                Self::Refused(InvalidInput::StoredElsewhere.into())
            }
            other => other,
        }
    }

    fn error(self, connection: &Lent) -> StoreError {
        match self {
            Self::Refused(error) | Self::NotByCopy(error) => error,
            Self::Failed(failure) => {
                connection.failed(&failure);
                of_read(failure)
            }
            Self::AtCommit(failure) => {
                connection.failed(&failure);
                of_write(failure)
            }
        }
    }
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

// Boxed and not inlined: see `requests`.
#[inline(never)]
fn transact<'a>(
    store: &'a Store,
    connection: &'a mut Lent,
    way: Way<'a>,
) -> BoxFuture<'a, Result<Vec<Appended>, Stopped>> {
    Box::pin(async move {
        let answers_within = store.connections.answers_within();
        // Dropped before it is committed, it is rolled back.
        let transaction = in_time(answers_within, connection.transaction()).await?;
        let inside = Inside::of(&transaction, &store.sql, answers_within);
        let (appended, known) = match way {
            Way::Copy(copied) => {
                copy(inside, store, copied).await.map_err(|stopped| copied.stopped(stopped))?
            }
            Way::Calls(batches) => (by_calls(inside, batches).await?, None),
        };
        in_time(answers_within, transaction.commit()).await.map_err(Stopped::AtCommit)?;
        if let Some(known) = known {
            store.known_streams.put(known, store.bulk_load.is_under_way());
        }
        Ok(appended)
    })
}

fn batch_of(append: StreamAppend) -> Result<AppendBatch> {
    let batch = AppendBatch::single(append.stream, append.expected, append.events);
    batch.validate()?;
    Ok(batch)
}

async fn copy(
    inside: Inside<'_>,
    store: &Store,
    copied: Copied<'_>,
) -> Result<(Vec<Appended>, Option<AsOf>), Stopped> {
    let batches = copied.batches();
    let events: u64 = batches.iter().map(|batch| batch.event_count() as u64).sum();
    let start = Start::look(inside, &store.known_streams, &batches).await?;
    let start = start.ok_or_else(|| Stopped::NotByCopy(PostgresError::MayNotCopy.into()))?;
    let is_empty = start.head == 0;
    let mut plan = copied.plan(start)?;
    if is_empty && matches!(copied, Copied::Restored(_)) {
        load::begin(store, inside, events).await?;
    }
    plan.make_room(inside).await?;
    let stored = copy_events(inside, &plan, &batches).await?;
    if stored != events {
        return Err(StoreError::from(PostgresError::RowsKeptOut { events, stored }).into());
    }
    let (has_tags, last) = {
        let mut events = batches.iter().flat_map(|batch| &batch.appends).flat_map(|append| &append.events);
        (events.clone().any(|event| !event.tags.is_empty()), events.next_back().map(|event| event.id))
    };
    if has_tags {
        copy_tags(inside, &plan, &batches).await?;
    }
    Ok(plan.done(last))
}

/// As many at a time as name different streams.
async fn by_calls(inside: Inside<'_>, batches: &[AppendBatch]) -> Result<Vec<Appended>> {
    let mut appended = Vec::with_capacity(batches.len());
    let mut rest = batches;
    while !rest.is_empty() {
        let (run, behind) = rest.split_at(run_length(rest));
        appended.extend(inside.append_each(run).await?.into_iter().flatten());
        rest = behind;
    }
    Ok(appended)
}

/// What the server makes arrays of at once, about: events, and bytes of payloads.
const MOST_EVENTS: usize = 4_096;
const MOST_BYTES: usize = 8 << 20;

/// How many batches go by before a stream comes back, or before there are many events; one at least.
fn run_length(batches: &[AppendBatch]) -> usize {
    let (mut seen, mut events, mut bytes) = (HashSet::new(), 0, 0);
    for (length, batch) in batches.iter().enumerate() {
        events += batch.event_count();
        let appended = batch.appends.iter().flat_map(|append| &append.events);
        bytes += appended.map(|event| event.payload.len()).sum::<usize>();
        let is_apart = batch.appends.iter().all(|append| seen.insert(&append.stream));
        if length > 0 && !(is_apart && events <= MOST_EVENTS && bytes <= MOST_BYTES) {
            return length;
        }
    }
    batches.len()
}
