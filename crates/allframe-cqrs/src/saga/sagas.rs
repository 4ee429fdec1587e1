use std::{collections::HashMap, fmt, sync::Arc};

use eventstore_api::{
    Criterion, EventFilter, EventStoreBackend, GlobalPosition, Metadata, RecordedEvent, StreamId,
    StreamRange, Subscription, Timestamp, Version,
};
use serde::Serialize;
use serde_json::Value;

use super::{
    SagaDetails, SagaError, SagaEvent, SagaId, SagaStatus, SagaSummary,
    context::write,
    id::{check_type, prefix_of},
    index::Index,
    lease::WORKER_NOTE,
    log::{SagaLog, Written},
    state::{Phase, SagaState, StepStatus},
};
use crate::{Error, EventStore, Recorded};

/// The sagas in a store, for people: to look at them, and to step in where one waits for a person. No orchestrator is needed; those
/// that run see at once what is asked for.
///
/// ```
/// # #[allframe_cqrs::event]
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// # struct Booked { room: u32 }
/// use allframe_cqrs::{EventStore, saga::{SagaStatus, Sagas}};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let store = EventStore::<Booked>::new();
/// let sagas = Sagas::of(&store);
/// for parked in sagas.list(|saga| saga.status == SagaStatus::Parked).await? {
///     println!("{}: {}", parked.saga, parked.reason.unwrap_or_default());
///     sagas.retry(&parked.saga, "the bank answers again").await?;
/// }
/// # Ok::<(), allframe_cqrs::saga::SagaError>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct Sagas {
    log: Arc<SagaLog>,
}

impl Sagas {
    /// The sagas in this store.
    #[must_use]
    pub fn of<E, B: EventStoreBackend>(store: &EventStore<E, B>) -> Self {
        Self { log: Arc::new(SagaLog::new(store.shared_backend())) }
    }

    pub(super) fn new(log: Arc<SagaLog>) -> Self {
        Self { log }
    }

    /// All sagas of which this holds, by their streams' names. The events of all sagas are read for it, but for those of steps that go
    /// well; it is asked of each saga as it is in the end. What cannot be read is passed over, and `tracing` told: of a type of which
    /// that is everything, [`has_type`](Self::has_type) knows.
    ///
    /// # Errors
    ///
    /// [`SagaError::Store`] and [`SagaError::Unreadable`].
    pub async fn list(&self, which: impl Fn(&SagaSummary) -> bool) -> Result<Vec<SagaSummary>, SagaError> {
        let mut feed = self.feed(Index::filter()?);
        let mut found: HashMap<StreamId, SagaSummary> = HashMap::new();
        while let Some(record) = feed.next_stored().await.map_err(Error::from)? {
            let Some(saga) = saga_of(&record) else { continue };
            let event = match self.log.read(&record) {
                Ok(event) => event,
                // One that cannot be read must not hide all others.
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(error, saga = %record.stream, "an event of a saga cannot be read");
                    continue;
                }
            };
            let summary = found.entry(record.stream.clone()).or_insert_with(|| SagaSummary {
                saga,
                status: SagaStatus::Running,
                started_at: record.recorded_at,
                changed_at: record.recorded_at,
                worker: None,
                due: None,
                reason: None,
                turned_round: false,
            });
            summary.apply(event, record.recorded_at);
        }
        let mut found: Vec<_> = found.into_values().filter(which).collect();
        found.sort_by(|some, other| some.saga.cmp(&other.saga));
        Ok(found)
    }

    /// Whether there are sagas of this type, even if none of them can be read; of what can be no type, there are none. Reads one event after
    /// the other until one belongs to such a saga, which the first mostly does. It changes nothing: it may be dropped at any time.
    ///
    /// # Errors
    ///
    /// [`SagaError::Store`].
    pub async fn has_type(&self, saga: &str) -> Result<bool, SagaError> {
        if check_type(saga).is_err() {
            return Ok(false);
        }
        let of_the_type = Criterion::new().stream_prefix(prefix_of(saga));
        let mut feed = self.feed(Index::filter_of(of_the_type)?).with_page_size(1);
        while let Some(record) = feed.next_stored().await.map_err(Error::from)? {
            if saga_of(&record).is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// All events that pass, from the first on.
    fn feed(&self, filter: EventFilter) -> Subscription<Arc<dyn EventStoreBackend>> {
        let backend = Arc::new(Arc::clone(self.log.backend()));
        Subscription::new(backend, GlobalPosition::START, filter)
    }

    /// A saga with all that is known of it.
    ///
    /// # Errors
    ///
    /// [`SagaError::NotFound`], [`SagaError::Store`] and [`SagaError::Unreadable`].
    pub async fn show(&self, saga: &SagaId) -> Result<SagaDetails, SagaError> {
        let (mut state, mut history) = (SagaState::default(), Vec::new());
        let mut version = Version::NONE;
        loop {
            let range = StreamRange::after(version);
            let page = self.log.backend().read_stream(saga.stream(), range).await.map_err(Error::from)?;
            for record in page.events {
                let event = self.log.read(&record)?;
                version = record.version;
                state.apply(&event, record.version, record.recorded_at);
                history.push(Recorded::new(event, record, 0));
            }
            if page.end_reached {
                break;
            }
        }
        let details = SagaDetails::of(saga.clone(), &state, history);
        details.ok_or_else(|| SagaError::NotFound { saga: saga.clone() })
    }

    /// What a saga failed at is tried again, as often as at first and at once: of one that is parked, or that waits to try again. The
    /// note stays in its history. From then on it has no time limit as a whole. A step that is a saga of its own fails again as long as that
    /// saga is undone or abandoned: it is that saga that is to be tried again.
    ///
    /// # Errors
    ///
    /// [`SagaError::NotNow`] for one that neither is parked nor waits; [`SagaError::NotFound`], [`SagaError::Store`] and
    /// [`SagaError::Unreadable`].
    pub async fn retry(&self, saga: &SagaId, note: impl Into<String>) -> Result<(), SagaError> {
        let event = SagaEvent::Retried { note: note.into() };
        self.step_in(saga, "tried again", event, |state| {
            let waits = |status: &StepStatus| {
                matches!(status, StepStatus::Retrying { .. } | StepStatus::UndoRetrying { .. })
            };
            matches!(state.phase, Phase::Parked { .. })
                || (!state.has_ended() && state.steps.iter().any(|step| waits(&step.status)))
        })
        .await
    }

    /// A saga that is parked goes on as if what it failed at had been done: a person has done it by hand. Where that was a step, this
    /// is what it has answered, for the steps behind it; where it was the undoing of one, it is `()`. From then on it has no time limit as a
    /// whole.
    ///
    /// # Errors
    ///
    /// [`SagaError::NotNow`] for one that is not parked; [`SagaError::Output`] for what cannot be stored; [`SagaError::NotFound`],
    /// [`SagaError::Store`] and [`SagaError::Unreadable`].
    pub async fn resume<O: Serialize>(
        &self,
        saga: &SagaId,
        output: &O,
        note: impl Into<String>,
    ) -> Result<(), SagaError> {
        let output: Value = write(output).map_err(|source| SagaError::Output { source: Arc::new(source) })?;
        let event = SagaEvent::Resumed { output, note: note.into() };
        self.step_in(saga, "resumed", event, |state| matches!(state.phase, Phase::Parked { .. })).await
    }

    /// A saga turns round: what it has done is undone, also where all is done already.
    ///
    /// # Errors
    ///
    /// [`SagaError::NotNow`] for one that has turned round before or was abandoned; [`SagaError::NotFound`], [`SagaError::Store`]
    /// and [`SagaError::Unreadable`].
    pub async fn compensate(&self, saga: &SagaId, reason: impl Into<String>) -> Result<(), SagaError> {
        let event = SagaEvent::CompensationBegun { reason: reason.into() };
        self.step_in(saga, "compensated", event, |state| {
            matches!(
                state.phase,
                Phase::Forward | Phase::Completed | Phase::Parked { turning_round_for: None, .. }
            )
        })
        .await
    }

    /// A saga ends as it is. Nothing more is done, and nothing is undone.
    ///
    /// # Errors
    ///
    /// [`SagaError::NotNow`] for one that has ended; [`SagaError::NotFound`], [`SagaError::Store`] and [`SagaError::Unreadable`].
    pub async fn abandon(&self, saga: &SagaId, reason: impl Into<String>) -> Result<(), SagaError> {
        let event = SagaEvent::Abandoned { reason: reason.into() };
        self.step_in(saga, "abandoned", event, |state| !state.has_ended()).await
    }

    /// Stores what a person decides, of a saga of which that can be decided, also where it moves meanwhile.
    async fn step_in(
        &self,
        saga: &SagaId,
        asked: &'static str,
        event: SagaEvent,
        may: impl Fn(&SagaState) -> bool,
    ) -> Result<(), SagaError> {
        let events = [event];
        loop {
            let loaded = self.log.load(saga).await?;
            let status = SagaStatus::of(&loaded.state.phase);
            let status = status.ok_or_else(|| SagaError::NotFound { saga: saga.clone() })?;
            if !may(&loaded.state) {
                return Err(SagaError::NotNow { saga: saga.clone(), status: status.as_str(), asked });
            }
            let metadata = Metadata::new().with_correlation_id(loaded.state.correlation_id.to_string());
            if let Written::At { .. } = self.log.append(saga, loaded.version, &events, &metadata).await? {
                return Ok(());
            }
        }
    }
}

/// The saga to which something has happened.
fn saga_of(record: &RecordedEvent) -> Option<SagaId> {
    // What a process says of itself happens to none, wherever it stands.
    if record.event_type.as_str() == WORKER_NOTE {
        return None;
    }
    SagaId::of_stream(&record.stream)
}

impl SagaSummary {
    fn apply(&mut self, event: SagaEvent, at: Timestamp) {
        self.changed_at = at;
        match event {
            SagaEvent::Started(started) => {
                self.worker = started.worker;
                self.due = started.not_before;
            }
            SagaEvent::Claimed { worker } => self.worker = Some(worker),
            SagaEvent::StepFailed(failed) | SagaEvent::UndoFailed(failed) => {
                self.due = failed.retry_at;
                self.reason = Some(failed.error);
            }
            SagaEvent::CompensationBegun { reason } => self.go(SagaStatus::Compensating, Some(reason)),
            SagaEvent::Parked { reason, .. } => self.go(SagaStatus::Parked, Some(reason)),
            SagaEvent::Retried { .. } | SagaEvent::Resumed { .. } => {
                let status = if self.turned_round { SagaStatus::Compensating } else { SagaStatus::Running };
                self.go(status, None);
            }
            SagaEvent::Completed => self.go(SagaStatus::Completed, None),
            SagaEvent::Compensated => self.go(SagaStatus::Compensated, None),
            SagaEvent::Abandoned { reason } => self.go(SagaStatus::Abandoned, Some(reason)),
            _ => {}
        }
    }

    fn go(&mut self, status: SagaStatus, reason: Option<String>) {
        self.turned_round |= status == SagaStatus::Compensating;
        self.status = status;
        self.due = None;
        if status == SagaStatus::Completed {
            self.reason = None;
        } else if reason.is_some() {
            self.reason = reason;
        }
    }
}

impl fmt::Debug for Sagas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sagas").finish_non_exhaustive()
    }
}
