use std::{fmt, marker::PhantomData, num::NonZeroU32, sync::Arc, time::Duration};

use futures_core::future::BoxFuture;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    StepContext, StepError,
    context::{Attempt, read, write},
};
use crate::{Backoff, panicked::guarded};

/// A step of a saga with an input of type `I`, that answers an `O`.
///
/// ```
/// use std::time::Duration;
/// use allframe_cqrs::{Backoff, saga::{SagaStep, StepContext, StepError}};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Trip { traveller: String }
///
/// # fn main() {
/// let book_hotel = SagaStep::new("book_hotel", |context: StepContext<Trip>| async move {
///     hotel_books(&context.input().traveller, context.idempotency_key()).await
/// })
/// .compensate(|_context, room: Option<u32>| async move { hotel_cancels(room).await })
/// .with_timeout(Duration::from_secs(5))
/// .with_max_attempts(4.try_into().unwrap())
/// .with_backoff(Backoff::new(Duration::from_millis(100), Duration::from_secs(10)).with_jitter());
/// # async fn hotel_books(_: &str, _: &str) -> Result<u32, StepError> { Ok(7) }
/// # async fn hotel_cancels(_: Option<u32>) -> Result<(), StepError> { Ok(()) }
/// # }
/// ```
pub struct SagaStep<I, O> {
    pub(super) entry: StepEntry,
    types: PhantomData<fn(I) -> O>,
}

/// What becomes of a saga whose step has failed for good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnFailure {
    /// What was done is undone.
    #[default]
    Compensate,
    /// A person has to look at it: for steps behind which there is no way back.
    Park,
}

/// A step whose types are forgotten.
pub(super) struct StepEntry {
    pub(super) name: Arc<str>,
    pub(super) after: Vec<Arc<str>>,
    pub(super) condition: Option<Condition>,
    pub(super) plan: Option<Plan>,
    pub(super) action: Action,
    pub(super) undo: Option<Run>,
    pub(super) timeout: Duration,
    pub(super) retry: Retry,
    /// How often its undoing is tried, if not as often as it is.
    pub(super) undo_max_attempts: Option<u32>,
    pub(super) on_failure: OnFailure,
}

/// How a step is carried out.
pub(super) enum Action {
    Run(Run),
    /// A saga of its own, which its order names.
    Saga,
}

/// Does something, and answers as it is stored.
pub(super) type Run = Arc<dyn Fn(Arc<Attempt>) -> BoxFuture<'static, Result<Value, StepError>> + Send + Sync>;
/// Whether a step is carried out.
pub(super) type Condition = Arc<dyn Fn(Arc<Attempt>) -> Result<bool, StepError> + Send + Sync>;
/// What a step is going to do.
pub(super) type Plan = Arc<dyn Fn(Arc<Attempt>) -> Result<Value, StepError> + Send + Sync>;

/// How often something is tried, and what lies between.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retry {
    pub(super) max_attempts: u32,
    pub(super) backoff: Backoff,
}

impl Default for Retry {
    fn default() -> Self {
        let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(30)).with_jitter();
        Self { max_attempts: 5, backoff }
    }
}

/// How long an attempt may take, unless said otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

impl<I, O> SagaStep<I, O>
where
    I: DeserializeOwned + Send + Sync + 'static,
    O: Serialize + DeserializeOwned + Send + 'static,
{
    /// A step of this name that is carried out by an async function or closure. What it answers is stored.
    ///
    /// It may be called again, when it has failed or its process died, always with the same
    /// [key](StepContext::idempotency_key). When its time is over, or its process has lost the saga, its future is dropped.
    pub fn new<F>(
        name: impl Into<Arc<str>>,
        run: impl Fn(StepContext<I>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<O, StepError>> + Send + 'static,
    {
        let run = Arc::new(run);
        let action: Run = Arc::new(move |attempt| {
            let run = Arc::clone(&run);
            Box::pin(async move {
                let answer = run(StepContext::read(attempt)?).await?;
                write(&answer)
                    .map_err(|error| StepError::uncertain(format!("its output cannot be stored: {error}")))
            })
        });
        Self::of(StepEntry::new(name.into(), Action::Run(action)))
    }

    /// The same step, undone by an async function or closure, which is given what the step answered: `None` where it may have been
    /// done and did not answer.
    #[must_use]
    pub fn compensate<F>(
        mut self,
        undo: impl Fn(StepContext<I>, Option<O>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), StepError>> + Send + 'static,
    {
        let undo = Arc::new(undo);
        self.entry.undo = Some(Arc::new(move |attempt| {
            let undo = Arc::clone(&undo);
            Box::pin(async move {
                let output = attempt.own_output().map(read).transpose().map_err(|error| {
                    StepError::rejected(format!("what the step answered cannot be read: {error}"))
                })?;
                undo(StepContext::read(attempt)?, output).await?;
                Ok(Value::Null)
            })
        }));
        self
    }
}

impl<I: DeserializeOwned + Send + Sync + 'static, O> SagaStep<I, O> {
    pub(super) fn of(entry: StepEntry) -> Self {
        Self { entry, types: PhantomData }
    }

    /// The same step, which is carried out once these are, or were skipped.
    #[must_use]
    pub fn after<N: Into<Arc<str>>>(mut self, steps: impl IntoIterator<Item = N>) -> Self {
        self.entry.after.extend(steps.into_iter().map(Into::into));
        self
    }

    /// The same step, which is skipped where this does not hold. It is asked once those are done that come before the step.
    ///
    /// An error fails the step, and so does a panic.
    #[must_use]
    pub fn when(
        mut self,
        condition: impl Fn(&StepContext<I>) -> Result<bool, StepError> + Send + Sync + 'static,
    ) -> Self {
        self.entry.condition = Some(Arc::new(move |attempt| {
            guarded(|| condition(&StepContext::read(attempt)?))
                .unwrap_or_else(|panicked| Err(StepError::rejected(panicked)))
        }));
        self
    }

    /// The same step, each attempt of which may take so long; without this, 30 seconds. So may each attempt to undo it.
    ///
    /// The time is stored when the attempt begins: where the process dies meanwhile, what is left of it is left.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.entry.timeout = timeout;
        self
    }

    /// The same step, tried so often at most; without this, 5 times. So is what undoes it.
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: NonZeroU32) -> Self {
        self.entry.retry.max_attempts = attempts.get();
        self
    }

    /// The same step, of which the undoing alone is tried so often at most.
    #[cfg(feature = "memory")]
    pub(crate) fn with_max_undo_attempts(mut self, attempts: u32) -> Self {
        self.entry.undo_max_attempts = Some(attempts);
        self
    }

    /// The same step, with these waits between attempts; without this, up to 100 ms, 200 ms and so on, and 30 s at most.
    ///
    /// When the next attempt is made is stored: it is made then also by another process.
    #[must_use]
    pub fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.entry.retry.backoff = backoff;
        self
    }

    /// The same step, with this for what becomes of the saga when it has failed for good.
    #[must_use]
    pub fn on_failure(mut self, then: OnFailure) -> Self {
        self.entry.on_failure = then;
        self
    }
}

impl StepEntry {
    pub(super) fn new(name: Arc<str>, action: Action) -> Self {
        Self {
            name,
            after: Vec::new(),
            condition: None,
            plan: None,
            action,
            undo: None,
            timeout: DEFAULT_TIMEOUT,
            retry: Retry::default(),
            undo_max_attempts: None,
            on_failure: OnFailure::default(),
        }
    }
}

impl<I, O> fmt::Debug for SagaStep<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SagaStep")
            .field("name", &self.entry.name)
            .field("after", &self.entry.after)
            .finish_non_exhaustive()
    }
}
