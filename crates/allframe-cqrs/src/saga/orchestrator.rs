use std::{fmt, sync::Arc};

use eventstore_api::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::task::JoinHandle;

use super::{
    SagaError, SagaEvent, SagaId, SagaOrchestratorBuilder, SagaOutcome, Sagas, Started,
    context::write,
    drive::Driver,
    log::{Loaded, Written},
    shared::Shared,
    state::{Phase, SagaState},
};
use crate::{DispatchContext, EventStore};

/// Starts sagas, drives those of this process, and those of processes that have died.
///
/// ```
/// use allframe_cqrs::{EventStore, saga::{SagaDefinition, SagaOrchestrator, SagaStep, StepContext, StepError}};
///
/// # #[allframe_cqrs::event]
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// # struct Booked { room: u32 }
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Trip { traveller: String }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let trip = SagaDefinition::new("trip")
///     .then(SagaStep::new("book_hotel", |_: StepContext<Trip>| async { Ok(7_u32) }))
///     .then(SagaStep::new("send_voucher", |context: StepContext<Trip>| async move {
///         let room: u32 = context.output("book_hotel")?;
///         Ok::<_, StepError>(format!("{} has room {room}", context.input().traveller))
///     }));
///
/// let store = EventStore::<Booked>::new();
/// let sagas = SagaOrchestrator::builder(&store).saga(trip).open().await?;
/// let outcome = sagas.run("trip", "ann-1", &Trip { traveller: "ann".into() }).await?;
/// assert_eq!(outcome.output::<String>("send_voucher").unwrap(), "ann has room 7");
/// sagas.close().await;
/// # Ok::<(), allframe_cqrs::saga::SagaError>(()) }).unwrap();
/// ```
///
/// Cloning it is cheap and gives another handle to the same one. When the last one is dropped, what it drives ends in the middle,
/// and is taken over by others after the time of a lease; [`close`](Self::close) ends in order. It needs a tokio runtime with time.
#[derive(Clone)]
pub struct SagaOrchestrator {
    running: Arc<Running>,
}

pub(super) struct Running {
    pub(super) shared: Arc<Shared>,
    pub(super) worker: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl SagaOrchestrator {
    /// An orchestrator in the making, of sagas whose streams are in this store: beside any events of the application.
    #[must_use]
    pub fn builder<E, B: eventstore_api::EventStoreBackend>(
        store: &EventStore<E, B>,
    ) -> SagaOrchestratorBuilder {
        SagaOrchestratorBuilder::new(store.shared_backend())
    }

    pub(super) fn new(shared: Arc<Shared>, worker: JoinHandle<()>) -> Self {
        Self { running: Arc::new(Running { shared, worker: tokio::sync::Mutex::new(Some(worker)) }) }
    }

    /// Starts a saga. When this returns it is stored, and will come to an end, in this process or another.
    ///
    /// Starting one again with the same input is the same as having started it once, so that it may be tried again.
    ///
    /// Dropping the future early leaves it started or not.
    ///
    /// # Errors
    ///
    /// [`SagaError::NoDefinition`], [`SagaError::WrongInput`], [`SagaError::InvalidName`] and [`SagaError::IdTaken`];
    /// [`SagaError::Store`]; [`SagaError::Closed`].
    pub async fn start<I: Serialize>(&self, saga: &str, id: &str, input: &I) -> Result<SagaId, SagaError> {
        let saga = SagaId::new(saga, id)?;
        self.start_at(&saga, input, None).await?;
        Ok(saga)
    }

    /// As [`start`](Self::start), of a saga of which nothing is done before a moment. The time that it may take counts from then.
    /// One that was started or scheduled before stays as it was, also where this is another moment.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub async fn schedule<I: Serialize>(
        &self,
        saga: &str,
        id: &str,
        input: &I,
        moment: Timestamp,
    ) -> Result<SagaId, SagaError> {
        let saga = SagaId::new(saga, id)?;
        self.start_at(&saga, input, Some(moment)).await?;
        Ok(saga)
    }

    /// Starts a saga and waits for its end, as [`start`](Self::start) and [`wait_for_end`](Self::wait_for_end) do.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub async fn run<I: Serialize>(&self, saga: &str, id: &str, input: &I) -> Result<SagaOutcome, SagaError> {
        let saga = SagaId::new(saga, id)?;
        // Before it is started, so that its end is not missed.
        let mut ended = self.running.shared.await_end(saga.stream());
        if !self.start_at(&saga, input, None).await? {
            return self.wait_for_end(&saga).await;
        }
        let outcome = tokio::select! {
            ended = ended.told() => ended.as_ref().and_then(SagaOutcome::of),
            () = self.running.shared.closing() => None,
        };
        match outcome {
            Some(outcome) => Ok(outcome),
            None => self.wait_for_end(&saga).await,
        }
    }

    /// Waits until a saga has ended, or is parked, whichever process drives it.
    ///
    /// Dropping the future early changes nothing.
    ///
    /// # Errors
    ///
    /// [`SagaError::NotFound`], [`SagaError::Store`], [`SagaError::Unreadable`], and [`SagaError::Closed`] where the orchestrator is
    /// closed before.
    pub async fn wait_for_end(&self, saga: &SagaId) -> Result<SagaOutcome, SagaError> {
        let shared = &self.running.shared;
        loop {
            let mut ended = shared.await_end(saga.stream());
            let state = self.state_of(saga).await?;
            if let Some(outcome) = SagaOutcome::of(&state) {
                return Ok(outcome);
            }
            tokio::select! {
                told = ended.told() => if let Some(outcome) = told.as_ref().and_then(SagaOutcome::of) {
                    return Ok(outcome);
                },
                () = shared.closing() => return Err(SagaError::Closed),
            }
        }
    }

    /// The sagas in its store, to look at them and to step in.
    #[must_use]
    pub fn sagas(&self) -> Sagas {
        Sagas::new(Arc::clone(&self.running.shared.engine.log))
    }

    /// Ends (from outside of any step, which it would wait for): no saga is taken up any more, the attempts that are being made come to their ends, and other processes take over at
    /// once. What another handle asks for later is refused.
    ///
    /// Dropping the future early lets it go on ending.
    pub async fn close(&self) {
        self.running.shared.close();
        let mut worker = self.running.worker.lock().await;
        if let Some(handle) = worker.as_mut() {
            // It does not panic; and if it did, there is nothing left to end.
            let _ = handle.await;
            *worker = None;
        }
    }

    /// Answers whether there was none of this id.
    async fn start_at<I: Serialize>(
        &self,
        saga: &SagaId,
        input: &I,
        not_before: Option<Timestamp>,
    ) -> Result<bool, SagaError> {
        let shared = &self.running.shared;
        let engine = &shared.engine;
        if shared.is_closing() {
            return Err(SagaError::Closed);
        }
        let steps = engine.definitions.get(saga.saga()).cloned();
        let steps = steps.ok_or_else(|| SagaError::NoDefinition { saga: saga.saga().to_owned() })?;
        let input = write(input).map_err(|source| SagaError::WrongInput {
            saga: saga.saga().to_owned(),
            expected: "serialisable input",
            source: Arc::new(source),
        })?;
        steps.check_input(&input)?;
        let begin = not_before.unwrap_or_else(|| engine.clock.now());
        let mut started = Started {
            input,
            version: steps.version,
            correlation_id: correlation_id(saga),
            worker: None,
            deadline: steps.timeout.map(|timeout| crate::clock::after(begin, timeout)),
            not_before,
            parent: None,
        };
        let seat = if not_before.is_some() { None } else { shared.take_seat(saga.stream()) };
        let is_new = match seat {
            Some(seat) => {
                started.worker = Some(engine.worker.as_str().to_owned());
                engine.lease.renew_if_due(&engine.log).await?;
                let none = Loaded { state: SagaState::default(), version: eventstore_api::Version::NONE };
                let mut driver = Driver::new(Arc::clone(engine), steps, saga.clone(), none);
                let is_new = driver.start(SagaEvent::Started(started.clone())).await?;
                if is_new {
                    shared.spawn(seat.drive(driver));
                }
                is_new
            }
            None => {
                let metadata =
                    eventstore_api::Metadata::new().with_correlation_id(started.correlation_id.clone());
                let event = SagaEvent::Started(started.clone());
                let none = eventstore_api::Version::NONE;
                matches!(engine.log.append(saga, none, &[event], &metadata).await?, Written::At { .. })
            }
        };
        if !is_new {
            self.same_as(saga, &started.input).await?;
        }
        Ok(is_new)
    }

    /// One that was started before must be the same.
    async fn same_as(&self, saga: &SagaId, input: &Value) -> Result<(), SagaError> {
        // As it is read back, where numbers may differ in their last bit from what they were.
        let input: Value = serde_json::from_str(&input.to_string()).unwrap_or_default();
        match *self.state_of(saga).await?.input == input {
            true => Ok(()),
            false => Err(SagaError::IdTaken { saga: saga.clone() }),
        }
    }

    pub(super) async fn state_of(&self, saga: &SagaId) -> Result<SagaState, SagaError> {
        let loaded = self.running.shared.engine.log.load(saga).await?;
        match loaded.state.phase {
            Phase::Missing => Err(SagaError::NotFound { saga: saga.clone() }),
            _ => Ok(loaded.state),
        }
    }
}

/// What a saga belongs to: that of the command in whose handler it is started, or its own name.
fn correlation_id(saga: &SagaId) -> String {
    match DispatchContext::current() {
        Some(context) => context.correlation_id().into_owned(),
        None => saga.stream().as_str().to_owned(),
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.abort();
        if let Some(worker) = self.worker.get_mut() {
            worker.abort();
        }
    }
}

impl fmt::Debug for SagaOrchestrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sagas: Vec<_> = self.running.shared.engine.definitions.keys().collect();
        sagas.sort_unstable();
        f.debug_struct("SagaOrchestrator").field("sagas", &sagas).finish_non_exhaustive()
    }
}
