use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use eventstore_api::{
    AppendBatch, Appended, EventStoreBackend, ExpectedVersion, GlobalPosition, IntoStreamId, Metadata,
    NewEvent, StoreError, StreamAppend, StreamId, Version,
};

use super::{Repository, attempts::Attempts};
use crate::{Aggregate, Error, Result, payload, stream_state::StreamState};

/// What [`Repository::execute`] did.
#[non_exhaustive]
pub struct Executed<A: Aggregate> {
    /// The state after the decision.
    pub aggregate: Arc<A>,
    /// The version of the stream's last event then.
    pub version: Version,
    /// What was decided, and stored; none when there was nothing to do.
    pub events: Vec<A::Event>,
    /// The position of the last event stored, which a reader waits for to read its own write; `None` when there was
    /// nothing to do.
    pub position: Option<GlobalPosition>,
    /// Where the events were stored; `None` when there was nothing to do.
    pub appended: Option<Appended>,
    /// How often the decision was made, from 1.
    pub attempts: u32,
}

// Without the aggregate and the events, so that neither need be `Debug` for a caller's `unwrap_err`.
impl<A: Aggregate> fmt::Debug for Executed<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executed")
            .field("version", &self.version)
            .field("events", &self.events.len())
            .field("position", &self.position)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// Why [`Repository::execute`] stored nothing, or may not have.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<R> {
    /// The decision was not to. Nothing was stored.
    #[error("{0}")]
    Rejected(R),
    /// The store failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl<R: fmt::Display> From<ExecuteError<R>> for String {
    fn from(error: ExecuteError<R>) -> Self {
        match error {
            ExecuteError::Rejected(reason) => reason.to_string(),
            ExecuteError::Failed(error) => error.into(),
        }
    }
}

impl<A: Aggregate, B: EventStoreBackend> Repository<A, B> {
    /// Loads an aggregate, lets it decide, and appends what it decided, if the stream is still as it was loaded.
    ///
    /// When another writer was faster, the events that have come since are read (only those), and the decision is made anew,
    /// so `decide` may be called several times. Those who meet at a stream in one process, whichever repositories of the store
    /// they use, then go one after the other. A decision without events stores nothing and succeeds.
    ///
    /// When the outcome of an append is unknown, the same events are appended again, which stores nothing twice.
    /// Dropping the future early leaves the events wholly appended or not at all.
    ///
    /// # Errors
    ///
    /// [`ExecuteError::Rejected`] with what `decide` answered; [`ExecuteError::Failed`] with
    /// [`Error::ConflictsExhausted`] when others were faster every time, or with what kept the store from reading or writing.
    pub async fn execute<R>(
        &self,
        stream: impl IntoStreamId,
        decide: impl FnMut(&A) -> Result<Vec<A::Event>, R>,
    ) -> Result<Executed<A>, ExecuteError<R>> {
        self.execute_with(Metadata::new(), stream, decide).await
    }

    /// As [`Repository::execute`], with metadata for every event: a correlation id, a causation id, and what else is known.
    ///
    /// # Errors
    ///
    /// As [`Repository::execute`].
    pub async fn execute_with<R>(
        &self,
        metadata: Metadata,
        stream: impl IntoStreamId,
        decide: impl FnMut(&A) -> Result<Vec<A::Event>, R>,
    ) -> Result<Executed<A>, ExecuteError<R>> {
        self.execute_beside(metadata, stream.into_stream_id().map_err(Error::from)?, decide, None).await
    }

    /// As `execute_with`, with what is to be appended in one with the events.
    pub(super) async fn execute_beside<R>(
        &self,
        metadata: Metadata,
        stream: StreamId,
        mut decide: impl FnMut(&A) -> Result<Vec<A::Event>, R>,
        beside: Option<&dyn Beside>,
    ) -> Result<Executed<A>, ExecuteError<R>> {
        let mut attempts =
            Attempts::begin(self.store.turns(), &stream, self.max_attempts, self.backoff).await;
        let begun = Instant::now();
        let mut state = self.start_of(&stream).await?;
        let mut loaded_in = None;
        loop {
            state = self.catch_up(&stream, state).await?;
            let load_time = *loaded_in.get_or_insert_with(|| begun.elapsed());
            let events = decide(&state.value).map_err(ExecuteError::Rejected)?;
            if events.is_empty() {
                if let Some(beside) = beside {
                    self.append_only(beside).await?;
                }
                let version = state.version;
                let (attempts, turn) = attempts.end();
                let aggregate = self.finish(stream, state);
                // Whoever is next finds the state in the cache.
                drop(turn);
                return Ok(Executed { aggregate, version, events, position: None, appended: None, attempts });
            }
            let new = payload::to_new_events(&events, self.store.codec())?;
            let batch = batch_of(&stream, state.version, new, &metadata, beside)?;
            let conflict = match self.store.append_unapplied(batch).await {
                Ok(mut appended) => {
                    // Before the projections are waited for, of which one may be waiting for a turn.
                    let (attempts, turn) = attempts.end();
                    drop(turn);
                    self.store.await_inline(&appended).await;
                    // The stream's own stands first.
                    appended.truncate(1);
                    let appended = Appended::only(appended).map_err(Error::from)?;
                    let (version, position) = (appended.last_version, Some(appended.last_position));
                    let state = self.advanced(&stream, state, &events, version);
                    let aggregate = self.finish_appended(stream, state, load_time).await;
                    let appended = Some(appended);
                    return Ok(Executed { aggregate, version, events, position, appended, attempts });
                }
                Err(Error::Store(conflict)) if is_conflict_on(&stream, &conflict) => conflict,
                Err(error) => return Err(error.into()),
            };
            attempts.next(conflict).await?;
        }
    }

    async fn append_only(&self, beside: &dyn Beside) -> Result<()> {
        let mut batch = AppendBatch::new();
        batch.appends.push(beside.append(&[])?);
        // No projection has anything to apply, and one may be waiting for the turn that is held here.
        self.store.append_unapplied(batch).await.map(drop)
    }

    /// Takes a snapshot if one is due, and hands the state out.
    async fn finish_appended(
        &self,
        stream: StreamId,
        mut state: StreamState<A>,
        load_time: Duration,
    ) -> Arc<A> {
        let since_last = state.version.get().saturating_sub(state.snapshot_version.get());
        if self.snapshot_policy.is_due(since_last, load_time)
            && self.try_snapshot(&stream, &state.value, state.version).await
        {
            state.snapshot_version = state.version;
        }
        self.finish(stream, state)
    }
}

/// What is appended in one with the events of a decision.
pub(crate) trait Beside: Sync {
    /// The append to another stream; told which streams get which events, somewhere after which version.
    fn append(&self, events: &[(&StreamId, Version, &[NewEvent])]) -> Result<StreamAppend>;
}

/// What was decided on a stream at this version, and what is to be appended in one with it.
fn batch_of(
    stream: &StreamId,
    version: Version,
    mut events: Vec<NewEvent>,
    metadata: &Metadata,
    beside: Option<&dyn Beside>,
) -> Result<AppendBatch> {
    for event in &mut events {
        event.metadata = metadata.clone();
    }
    let beside = beside.map(|beside| beside.append(&[(stream, version, &events)])).transpose()?;
    let mut batch = AppendBatch::single(stream.clone(), ExpectedVersion::Exact(version), events);
    batch.appends.extend(beside);
    Ok(batch)
}

fn is_conflict_on(stream: &StreamId, error: &StoreError) -> bool {
    matches!(error, StoreError::WrongExpectedVersion { stream: of, .. } if of == stream)
}
