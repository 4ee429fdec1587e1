use std::{
    collections::HashMap,
    fmt,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use eventstore_api::{EventId, EventStoreBackend, ExpectedVersion};

use crate::{
    Draft, Event, EventStore,
    saga::{self, SagaId, SagaStep, StepContext, StepError, inline::Inline},
};

/// What AllFrame's orchestrator answers.
pub type SagaResult<T> = Result<T, SagaError>;

/// Why a saga was not carried out.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SagaError {
    /// A step failed. What was done before it has been undone.
    #[error("Step {step_index} ({step_name}) failed: {error}")]
    StepFailed {
        /// Which, from 0.
        step_index: usize,
        /// Its name.
        step_name: String,
        /// What it said.
        error: String,
    },
    /// A step could not be undone. The saga is parked, and [`Sagas`](crate::saga::Sagas) shows it.
    #[error("Compensation for step {step_index} failed: {error}")]
    CompensationFailed {
        /// Which, from 0.
        step_index: usize,
        /// What it said.
        error: String,
    },
    /// A step took too long. What was done has been undone, and it too, for it may have been done.
    #[error("Step {step_index} timed out after {duration:?}")]
    Timeout {
        /// Which, from 0.
        step_index: usize,
        /// How long it had.
        duration: Duration,
    },
    /// There is no such step.
    #[error("Invalid step index: {0}")]
    InvalidStep(usize),
    /// A saga of this id is being carried out, here or by another process.
    #[error("Saga is already executing")]
    AlreadyExecuting,
    /// It could not be stored or read.
    #[error(transparent)]
    Store(#[from] saga::SagaError),
}

/// Where a saga is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SagaStatus {
    /// It has not begun.
    NotStarted,
    /// Its steps are being carried out.
    Executing,
    /// All its steps have been carried out.
    Completed,
    /// It failed, and what was done has been undone.
    Compensated,
    /// It failed, and so did undoing it.
    Failed,
}

/// What is known of a saga.
#[derive(Clone, Debug)]
pub struct SagaMetadata {
    /// Its id.
    pub id: String,
    /// Where it is.
    pub status: SagaStatus,
    /// How many steps have been carried out.
    pub steps_executed: usize,
    /// How many there are.
    pub total_steps: usize,
    /// When this was last changed.
    pub updated_at: SystemTime,
}

/// A step of a saga as AllFrame has it: a value that knows what it works on.
#[async_trait]
pub trait OrchestratorSagaStep<E: Event>: Send + Sync {
    /// Carries it out. Where the process dies, it is called again.
    ///
    /// # Errors
    ///
    /// Why it failed; what was done before it is undone then.
    async fn execute(&self) -> Result<Vec<E>, String>;

    /// Undoes it.
    ///
    /// # Errors
    ///
    /// Why it could not; the saga is parked then.
    async fn compensate(&self) -> Result<Vec<E>, String>;

    /// What it is called.
    fn name(&self) -> &str;

    /// How long it may take.
    fn timeout_duration(&self) -> Duration {
        Duration::from_secs(30)
    }
}

/// How AllFrame was to undo steps. Nothing ever read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompensationStrategy {
    /// By the steps themselves.
    LocalRollback,
}

/// A saga as AllFrame has it: its id, and its steps in order.
///
/// [`saga::SagaDefinition`](crate::saga::SagaDefinition) is of a type of sagas, of which an orchestrator can go on with any after
/// a restart by itself.
pub struct SagaDefinition<E: Event> {
    steps: Vec<Arc<dyn OrchestratorSagaStep<E>>>,
    metadata: SagaMetadata,
}

impl<E: Event> SagaDefinition<E> {
    /// A saga of this id, without steps.
    pub fn new(id: impl Into<String>) -> Self {
        let metadata = SagaMetadata {
            id: id.into(),
            status: SagaStatus::NotStarted,
            steps_executed: 0,
            total_steps: 0,
            updated_at: SystemTime::now(),
        };
        Self { steps: Vec::new(), metadata }
    }

    /// The same saga with one more step.
    #[must_use]
    pub fn add_step<S: OrchestratorSagaStep<E> + 'static>(mut self, step: S) -> Self {
        self.steps.push(Arc::new(step));
        self.metadata.total_steps = self.steps.len();
        self
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.metadata.id
    }

    /// Where it is.
    #[must_use]
    pub fn status(&self) -> SagaStatus {
        self.metadata.status.clone()
    }

    /// What is known of it.
    #[must_use]
    pub fn metadata(&self) -> &SagaMetadata {
        &self.metadata
    }

    /// The same saga: every step undoes itself.
    #[must_use]
    #[deprecated = "it changes nothing, and did not in AllFrame: every step undoes itself"]
    pub fn with_compensation(self, _strategy: CompensationStrategy) -> Self {
        self
    }

    /// The same saga: its state is in the store.
    #[must_use]
    #[deprecated = "it changes nothing, and did not in AllFrame: the state of a saga is in the store"]
    pub fn with_snapshot_dir(self, _dir: &Path) -> Self {
        self
    }

    fn into_definition(self, store: &DynStore<E>) -> saga::SagaDefinition<()> {
        let stream: Arc<str> = self.metadata.id.into();
        self.steps.into_iter().enumerate().fold(
            saga::SagaDefinition::new(TYPE),
            |definition, (index, step)| {
                let timeout = step.timeout_duration();
                let name = format!("{index}.{}", step.name());
                let (does, undoes) =
                    (Keeping::new(store, &stream, &step), Keeping::new(store, &stream, &step));
                let step = SagaStep::new(name, move |context: StepContext<()>| {
                    let does = does.clone();
                    async move {
                        let answer = does.step.execute().await.map_err(StepError::rejected);
                        does.keep(answer, context.idempotency_key()).await
                    }
                })
                .compensate(move |context, _| {
                    let undoes = undoes.clone();
                    async move {
                        // What cannot be undone at once may be later: AllFrame gave up, and said nothing.
                        let answer = undoes.step.compensate().await.map_err(StepError::retryable);
                        undoes.keep(answer, context.idempotency_key()).await.map(drop)
                    }
                });
                definition.then(
                    step.with_timeout(timeout)
                        .with_max_attempts(std::num::NonZeroU32::MIN)
                        .with_max_undo_attempts(UNDO_ATTEMPTS),
                )
            },
        )
    }
}

type DynStore<E> = EventStore<E, Arc<dyn EventStoreBackend>>;

/// The type that AllFrame's sagas have: it knows none.
const TYPE: &str = "allframe";

/// How often a step is tried to be undone before the saga waits for a person.
const UNDO_ATTEMPTS: u32 = 5;

/// Keeps the events of a step, in the stream that is named as its saga.
struct Keeping<E: Event> {
    store: DynStore<E>,
    stream: Arc<str>,
    step: Arc<dyn OrchestratorSagaStep<E>>,
}

impl<E: Event> Keeping<E> {
    fn new(store: &DynStore<E>, stream: &Arc<str>, step: &Arc<dyn OrchestratorSagaStep<E>>) -> Self {
        Self { store: store.clone(), stream: Arc::clone(stream), step: Arc::clone(step) }
    }

    async fn keep(&self, answer: Result<Vec<E>, StepError>, key: &str) -> Result<Vec<E>, StepError> {
        let events = answer?;
        if !events.is_empty() {
            // By ids that are always the same, so that a step which is carried out again has its events once.
            let drafts = events
                .iter()
                .enumerate()
                .map(|(place, event)| Ok(Draft::new(event.clone()).with_id(id_of(key, place)?)));
            let drafts = drafts.collect::<Result<Vec<_>, StepError>>()?;
            self.store.batch().append(&*self.stream, ExpectedVersion::Any, drafts).commit().await?;
        }
        Ok(events)
    }
}

impl<E: Event> Clone for Keeping<E> {
    fn clone(&self) -> Self {
        Self::new(&self.store, &self.stream, &self.step)
    }
}

/// The id of the event at a place among those of a key.
fn id_of(key: &str, place: usize) -> Result<EventId, StepError> {
    use std::hash::Hasher;
    let half = |salt: u8| {
        let mut hasher = fnv::FnvHasher::default();
        hasher.write(&[salt]);
        hasher.write(format!("{place}/{key}").as_bytes());
        hasher.finish()
    };
    format!("{:016x}{:016x}", half(0), half(1))
        .parse()
        .map_err(|error| StepError::from(crate::Error::from(error)))
}

/// AllFrame's orchestrator: carries out a saga that it is given as a value, and answers its events.
///
/// What it does is stored: with [`with_store`](Self::with_store), a saga whose process died goes on where it was when it is given
/// once more under its id. Its events, and those of what undid it, are in the stream that is named as its id.
///
/// ```
/// use allframe_cqrs::compat::{OrchestratorSagaStep, SagaDefinition, SagaOrchestrator};
/// use allframe_cqrs::{async_trait, event};
///
/// #[event]
/// #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
/// enum Money { Debited(u64), Credited(u64) }
///
/// struct Debit(u64);
///
/// #[async_trait]
/// impl OrchestratorSagaStep<Money> for Debit {
///     async fn execute(&self) -> Result<Vec<Money>, String> { Ok(vec![Money::Debited(self.0)]) }
///     async fn compensate(&self) -> Result<Vec<Money>, String> { Ok(vec![Money::Credited(self.0)]) }
///     fn name(&self) -> &str { "debit" }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let orchestrator = SagaOrchestrator::<Money>::new();
/// let events = orchestrator.execute(SagaDefinition::new("transfer-1").add_step(Debit(5))).await.unwrap();
/// assert_eq!(events, [Money::Debited(5)]);
/// # });
/// ```
pub struct SagaOrchestrator<E: Event> {
    shared: Arc<Shared<E>>,
}

struct Shared<E> {
    store: DynStore<E>,
    sagas: Inline,
    running: Mutex<HashMap<String, SagaMetadata>>,
    history: Mutex<Vec<SagaMetadata>>,
}

impl<E: Event> SagaOrchestrator<E> {
    /// An orchestrator that keeps what it does in memory.
    #[must_use]
    pub fn new() -> Self {
        Self::with_store(EventStore::<E>::new())
    }

    /// An orchestrator that keeps what it does in this store.
    #[must_use]
    pub fn with_store<B: EventStoreBackend>(store: EventStore<E, B>) -> Self {
        let store = store.to_dyn();
        let sagas = Inline::new(Arc::clone(store.backend()));
        let shared = Shared { store, sagas, running: Mutex::default(), history: Mutex::default() };
        Self { shared: Arc::new(shared) }
    }

    /// Carries a saga out, or goes on with it, and answers the events of its steps.
    ///
    /// Dropping the future early leaves it where it is, to be gone on with.
    ///
    /// # Errors
    ///
    /// [`SagaError`].
    pub async fn execute(&self, saga: SagaDefinition<E>) -> SagaResult<Vec<E>> {
        let mut metadata = SagaMetadata { status: SagaStatus::Executing, ..saga.metadata.clone() };
        let id = SagaId::new(TYPE, &metadata.id)?;
        let _running = Turn::take(&self.shared, &metadata)?;
        let timeouts: Vec<_> = saga.steps.iter().map(|step| step.timeout_duration()).collect();
        let names: Vec<_> = saga.steps.iter().map(|step| step.name().to_owned()).collect();
        if names.is_empty() {
            metadata.status = SagaStatus::Completed;
            lock(&self.shared.history).push(metadata);
            return Ok(Vec::new());
        }
        let definition = saga.into_definition(&self.shared.store);
        let Some(ended) = self.shared.sagas.run(&id, definition).await? else {
            return Err(SagaError::AlreadyExecuting);
        };
        metadata.steps_executed = ended.completed();
        metadata.updated_at = SystemTime::now();
        let answer = match ended.failure() {
            None => {
                metadata.status = SagaStatus::Completed;
                ended
                    .outputs::<Vec<E>>()
                    .map(|outputs| outputs.into_iter().flatten().collect())
                    .map_err(Into::into)
            }
            Some(failure) => {
                metadata.status =
                    if failure.is_undone { SagaStatus::Compensated } else { SagaStatus::Failed };
                let step_index = failure.step.split_once('.').and_then(|(index, _)| index.parse().ok());
                let step_index = step_index.unwrap_or_default();
                let step_name = names.get(step_index).cloned().unwrap_or_default();
                Err(if !failure.is_undone {
                    SagaError::CompensationFailed { step_index, error: failure.error }
                } else if failure.timed_out {
                    let duration = timeouts.get(step_index).copied().unwrap_or_default();
                    SagaError::Timeout { step_index, duration }
                } else {
                    SagaError::StepFailed { step_index, step_name, error: failure.error }
                })
            }
        };
        lock(&self.shared.history).push(metadata);
        answer
    }

    /// What is known of a saga that is being carried out here.
    #[expect(clippy::unused_async, reason = "AllFrame's is async, and code that calls it awaits it")]
    pub async fn get_saga(&self, id: &str) -> Option<SagaMetadata> {
        lock(&self.shared.running).get(id).cloned()
    }

    /// The sagas that are being carried out here.
    #[expect(clippy::unused_async, reason = "AllFrame's is async, and code that calls it awaits it")]
    pub async fn get_running_sagas(&self) -> Vec<SagaMetadata> {
        lock(&self.shared.running).values().cloned().collect()
    }

    /// Those that have ended here, in that order.
    #[expect(clippy::unused_async, reason = "AllFrame's is async, and code that calls it awaits it")]
    pub async fn get_history(&self) -> Vec<SagaMetadata> {
        lock(&self.shared.history).clone()
    }

    /// How many are being carried out here.
    #[expect(clippy::unused_async, reason = "AllFrame's is async, and code that calls it awaits it")]
    pub async fn running_count(&self) -> usize {
        lock(&self.shared.running).len()
    }

    /// How many have ended here.
    #[expect(clippy::unused_async, reason = "AllFrame's is async, and code that calls it awaits it")]
    pub async fn history_count(&self) -> usize {
        lock(&self.shared.history).len()
    }
}

/// A saga that is carried out; dropping it, it is not any more.
struct Turn<'a, E> {
    shared: &'a Shared<E>,
    id: String,
}

impl<'a, E> Turn<'a, E> {
    fn take(shared: &'a Shared<E>, metadata: &SagaMetadata) -> SagaResult<Self> {
        let mut running = lock(&shared.running);
        if running.contains_key(&metadata.id) {
            return Err(SagaError::AlreadyExecuting);
        }
        running.insert(metadata.id.clone(), metadata.clone());
        Ok(Self { shared, id: metadata.id.clone() })
    }
}

impl<E> Drop for Turn<'_, E> {
    fn drop(&mut self) {
        lock(&self.shared.running).remove(&self.id);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<E: Event> Default for SagaOrchestrator<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Event> Clone for SagaOrchestrator<E> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<E: Event> fmt::Debug for SagaOrchestrator<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SagaOrchestrator")
            .field("running", &lock(&self.shared.running).len())
            .finish_non_exhaustive()
    }
}

impl<E: Event> fmt::Debug for SagaDefinition<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SagaDefinition").field("metadata", &self.metadata).finish_non_exhaustive()
    }
}
