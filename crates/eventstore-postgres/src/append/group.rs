use std::collections::HashSet;

use eventstore_api::{AppendBatch, Appended, StoreError, StreamId};
use tokio_postgres::error::SqlState;

use super::{
    Job,
    call::Call,
    outcome::{Outcome, no_sense},
    settle::settle,
};
use crate::{
    error::{Failure, lost_a_race, of_write},
    store::Store,
};

/// Jobs that do not depend on each other: no stream is named in two of them, and only the first has a condition.
pub(super) struct Group {
    jobs: Vec<Job>,
    streams: HashSet<StreamId>,
    events: usize,
    bytes: usize,
}

/// From how many events, and from how many bytes of payload on a group is full. A batch may be larger by itself.
const MOST_EVENTS: usize = 2_048;
const MOST_BYTES: usize = 4 << 20;
/// How often a group is sent again that the server gave up in favour of another transaction.
const TRIES: usize = 5;

impl Group {
    pub(super) fn of(job: Job) -> Self {
        let mut group = Self { jobs: Vec::new(), streams: HashSet::new(), events: 0, bytes: 0 };
        group.push(job);
        group
    }

    /// Takes a job along, or gives it back.
    pub(super) fn take(&mut self, job: Job) -> Result<(), Job> {
        let is_apart =
            job.batch.condition.is_none() && streams(&job).all(|stream| !self.streams.contains(stream));
        match is_apart && !self.is_full() {
            true => {
                self.push(job);
                Ok(())
            }
            false => Err(job),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.events >= MOST_EVENTS || self.bytes >= MOST_BYTES
    }

    fn push(&mut self, job: Job) {
        self.streams.extend(streams(&job).cloned());
        self.events += job.batch.event_count();
        let events = job.batch.appends.iter().flat_map(|append| &append.events);
        self.bytes += events.map(|event| event.payload.len()).sum::<usize>();
        self.jobs.push(job);
    }

    /// Has it appended, and answers everyone who waits.
    pub(super) async fn send(mut self, store: &Store) {
        self.jobs.retain(|job| job.claim.take());
        if self.jobs.is_empty() {
            return;
        }
        let mut rest = vec![self.jobs];
        while let Some(jobs) = rest.pop() {
            match append(store, &jobs).await {
                Ok(outcomes) => answer(store, jobs, outcomes).await,
                // One of them is what the server cannot take. The others are not to suffer for it.
                Err(Refused::Contents(_)) if jobs.len() > 1 => {
                    rest.extend(jobs.into_iter().map(|job| vec![job]));
                }
                Err(Refused::Contents(error) | Refused::All(error)) => {
                    for job in jobs {
                        let answer = Err(error.clone());
                        store.head.note_answer(&answer);
                        job.answer(answer);
                    }
                }
            }
        }
    }
}

fn streams(job: &Job) -> impl Iterator<Item = &StreamId> {
    let appends = job.batch.appends.iter().map(|append| &append.stream);
    appends.chain(job.batch.guards.iter().map(|guard| &guard.stream))
}

/// Why nothing of a group was stored.
enum Refused {
    /// Something in it is what the server does not take.
    Contents(StoreError),
    All(StoreError),
}

async fn append(store: &Store, jobs: &[Job]) -> Result<Vec<Outcome>, Refused> {
    let call = Call::of(jobs.iter().map(|job| &job.batch));
    let connection = store.connections.get().await.map_err(Refused::All)?;
    let mut looks_ids_up = false;
    let mut tries = 1;
    loop {
        match call.send(&connection, &store.sql, looks_ids_up).await {
            Ok(outcomes) => return outcomes.map_err(Refused::All),
            Err(error) if !looks_ids_up && knows_an_id(&error) => looks_ids_up = true,
            Err(error) if tries < TRIES && lost_a_race(&error) => tries += 1,
            Err(error) => {
                let is_about_contents = error.code().is_some_and(is_about_contents);
                let error = of_write(error);
                return Err(if is_about_contents { Refused::Contents(error) } else { Refused::All(error) });
            }
        }
    }
}

/// Whether an event of the group is stored already.
fn knows_an_id(error: &Failure) -> bool {
    error.as_db_error().is_some_and(|error| {
        *error.code() == SqlState::UNIQUE_VIOLATION
            && error.constraint().is_some_and(|name| name.ends_with("event_id"))
    })
}

/// Data that cannot be kept so, limits of the server, and rules of the user's own.
fn is_about_contents(code: &SqlState) -> bool {
    ["22", "23", "44", "54", "P0"].iter().any(|class| code.code().starts_with(class))
}

async fn answer(store: &Store, jobs: Vec<Job>, outcomes: Vec<Outcome>) {
    let known = jobs.iter().zip(&outcomes).filter(|(_, outcome)| matches!(outcome, Outcome::Known));
    let known: Vec<&AppendBatch> = known.map(|(job, _)| &job.batch).collect();
    let mut settled = settle(store, &known).await.into_iter();
    for (job, outcome) in jobs.into_iter().zip(outcomes) {
        let answer: eventstore_api::Result<Vec<Appended>> = match outcome {
            Outcome::Stored(appended) => Ok(appended),
            Outcome::Known => settled.next().unwrap_or_else(|| Err(no_sense())),
            Outcome::Refused(error) => Err(error),
        };
        store.head.note_answer(&answer);
        job.answer(answer);
    }
}
