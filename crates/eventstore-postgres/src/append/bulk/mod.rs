//! Appending much at once: rows go to the server as a stream (`COPY`), and their places are worked out here.

mod known_streams;
mod plan;
mod rows;

use std::collections::HashSet;

use eventstore_api::{AppendBatch, Appended, InvalidInput, RestoredBatch, Result, StoreError, StreamAppend};
use tokio_postgres::error::SqlState;

pub(crate) use self::known_streams::KnownStreams;
use self::{
    known_streams::AsOf,
    plan::{Plan, Start},
    rows::{copy_events, copy_tags},
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
    let mut imported = transact(store, &mut connection, Way::Copy(&batches)).await;
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
    let mut connection = store.connections.get().await?;
    let busy = connection.busy();
    let stored = transact(store, &mut connection, Way::Restore(&restored)).await;
    busy.end();
    answer(store, &connection, stored).map(drop)
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
    Copy(&'b [AppendBatch]),
    /// Through `append_events`, which settles retries, and which every writer may call.
    Calls(&'b [AppendBatch]),
    /// By copy too, which nothing takes the place of: a function that gives places would give any.
    Restore(&'b [RestoredBatch]),
}

/// Why nothing was stored, or perhaps nothing.
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

    /// The only key that places which are next cannot violate is that of the ids.
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

async fn transact(store: &Store, connection: &mut Lent, way: Way<'_>) -> Result<Vec<Appended>, Stopped> {
    let answers_within = store.connections.answers_within();
    // Dropped before it is committed, it is rolled back.
    let transaction = in_time(answers_within, connection.transaction()).await?;
    let inside = Inside { transaction: &transaction, sql: &store.sql, answers_within };
    let (appended, known) = match way {
        Way::Copy(batches) => {
            // It may be a retry, whose guards do not hold any more.
            let plan = |start| Plan::of(start, batches).map_err(Stopped::NotByCopy);
            copy(inside, &store.known_streams, batches.iter(), plan).await.map_err(Stopped::or_by_calls)?
        }
        Way::Calls(batches) => (by_calls(inside, batches).await?, None),
        Way::Restore(restored) => {
            let batches = restored.iter().map(|restored| &restored.batch);
            let plan = |start| Ok(Plan::restoring(start, restored)?);
            copy(inside, &store.known_streams, batches, plan).await.map_err(Stopped::or_stored_elsewhere)?
        }
    };
    in_time(answers_within, transaction.commit()).await.map_err(Stopped::AtCommit)?;
    if let Some(known) = known {
        store.known_streams.put(known);
    }
    Ok(appended)
}

fn batch_of(append: StreamAppend) -> Result<AppendBatch> {
    let batch = AppendBatch::single(append.stream, append.expected, append.events);
    batch.validate()?;
    Ok(batch)
}

async fn copy<'b>(
    inside: Inside<'_, '_>,
    known: &KnownStreams,
    batches: impl Iterator<Item = &'b AppendBatch> + Clone,
    plan: impl FnOnce(Start) -> Result<Plan, Stopped>,
) -> Result<(Vec<Appended>, Option<AsOf>), Stopped> {
    let start = Start::look(inside, known, batches.clone()).await?;
    let start = start.ok_or_else(|| Stopped::NotByCopy(PostgresError::MayNotCopy.into()))?;
    let mut plan = plan(start)?;
    plan.make_room(inside).await?;
    let events: u64 = batches.clone().map(|batch| batch.event_count() as u64).sum();
    let stored = copy_events(inside, &plan, batches.clone()).await?;
    if stored != events {
        return Err(StoreError::from(PostgresError::RowsKeptOut { events, stored }).into());
    }
    let appended = batches.clone().flat_map(|batch| &batch.appends).flat_map(|append| &append.events);
    if appended.clone().any(|event| !event.tags.is_empty()) {
        copy_tags(inside, &plan, batches).await?;
    }
    let last = appended.last().map(|event| event.id);
    Ok(plan.done(last))
}

/// As many at a time as name different streams.
async fn by_calls(inside: Inside<'_, '_>, batches: &[AppendBatch]) -> Result<Vec<Appended>> {
    let mut appended = Vec::with_capacity(batches.len());
    let mut rest = batches;
    while !rest.is_empty() {
        let (run, behind) = rest.split_at(run_length(rest));
        appended.extend(inside.append_each(run.iter()).await?.into_iter().flatten());
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
