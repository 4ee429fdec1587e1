use std::{fmt, sync::Arc};

use eventstore_api::{Timestamp, Version};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{SagaId, StepError};
use crate::{Command, CommandBus, CommandError, DispatchContext, Dispatched, Event};

/// What a step is told: what its saga was begun with, what earlier steps have answered, and which attempt this is.
///
/// Cloning one is cheap.
pub struct StepContext<I = Value> {
    attempt: Arc<Attempt>,
    input: Arc<I>,
}

/// One attempt of a step, or of its undoing.
pub(super) struct Attempt {
    pub(super) saga: SagaId,
    pub(super) step: Arc<str>,
    pub(super) direction: Direction,
    pub(super) number: u32,
    pub(super) token: Version,
    pub(super) deadline: Timestamp,
    pub(super) correlation_id: Arc<str>,
    pub(super) key: Arc<str>,
    pub(super) input: Arc<Value>,
    pub(super) outputs: Vec<(Arc<str>, Arc<Value>)>,
    /// What was decided to be done, before it was to be done.
    pub(super) order: Option<Arc<Value>>,
}

/// Whether a step is done or undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Undo,
}

impl Attempt {
    /// What this step has answered, where it has.
    pub(super) fn own_output(&self) -> Option<&Value> {
        self.output(&self.step)
    }

    /// The key of the step itself.
    pub(super) fn forward_key(&self) -> String {
        format!("{}/{}", self.saga.stream(), self.step)
    }

    fn output(&self, step: &str) -> Option<&Value> {
        self.outputs.iter().find(|(name, _)| &**name == step).map(|(_, output)| &**output)
    }
}

impl<I: DeserializeOwned> StepContext<I> {
    pub(super) fn read(attempt: Arc<Attempt>) -> Result<Self, StepError> {
        let input = read(&attempt.input).map_err(|error| {
            StepError::retryable(format!("the input of the saga cannot be read: {error}"))
        })?;
        Ok(Self { attempt, input: Arc::new(input) })
    }
}

impl StepContext {
    pub(super) fn untyped(attempt: Arc<Attempt>) -> Self {
        let input = Arc::clone(&attempt.input);
        Self { attempt, input }
    }
}

impl<I> StepContext<I> {
    /// What the saga was begun with.
    #[must_use]
    pub fn input(&self) -> &I {
        &self.input
    }

    /// What a step has answered that comes before this one.
    ///
    /// # Errors
    ///
    /// A rejection for a step that has not been carried out, because it was skipped or need not be before this one, or that has
    /// answered something else.
    pub fn output<T: DeserializeOwned>(&self, step: &str) -> Result<T, StepError> {
        self.try_output(step)?
            .ok_or_else(|| StepError::rejected(format!("the step `{step}` has no output here")))
    }

    /// As [`output`](Self::output), `None` for a step that has not been carried out.
    ///
    /// # Errors
    ///
    /// A rejection where it has answered something else.
    pub fn try_output<T: DeserializeOwned>(&self, step: &str) -> Result<Option<T>, StepError> {
        let Some(output) = self.attempt.output(step) else { return Ok(None) };
        read(output).map(Some).map_err(|error| {
            StepError::rejected(format!("the output of the step `{step}` cannot be read: {error}"))
        })
    }

    /// Which saga it is a step of.
    #[must_use]
    pub fn saga(&self) -> &SagaId {
        &self.attempt.saga
    }

    /// The name of the step.
    #[must_use]
    pub fn step(&self) -> &str {
        &self.attempt.step
    }

    /// The how manyth attempt this is, from 1; also after a restart in the middle of one.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt.number
    }

    /// The key of what this step does: the same in every attempt and after every restart, and another for what undoes it.
    /// Whoever is asked to do something with it does it once.
    #[must_use]
    pub fn idempotency_key(&self) -> &Arc<str> {
        &self.attempt.key
    }

    /// The key of one of several things that this step does.
    #[must_use]
    pub fn key_for(&self, part: impl fmt::Display) -> Arc<str> {
        format!("{}/{part}", self.attempt.key).into()
    }

    /// A number that is greater for each process that takes the saga over: what is told it can refuse whoever comes with a lesser
    /// one, a process that was paused and does not know that it has lost the saga.
    #[must_use]
    pub fn fencing_token(&self) -> u64 {
        self.attempt.token.get()
    }

    /// When this attempt is given up.
    #[must_use]
    pub fn deadline(&self) -> Timestamp {
        self.attempt.deadline
    }

    /// What the saga belongs to.
    #[must_use]
    pub fn correlation_id(&self) -> &Arc<str> {
        &self.attempt.correlation_id
    }

    /// What was decided to be done, as it was stored before anything was done.
    pub(super) fn order<T: DeserializeOwned>(&self) -> Result<T, StepError> {
        let order = self.attempt.order.as_deref().unwrap_or(&Value::Null);
        read(order)
            .map_err(|error| StepError::rejected(format!("what the step was to do cannot be read: {error}")))
    }

    /// Dispatches a command with the key of this step, so that it is carried out once however often the step is.
    ///
    /// A step that dispatches several gives each a key of its own: `bus.dispatch_idempotent(command, context.key_for("seat-1"))`.
    ///
    /// # Errors
    ///
    /// As [`CommandBus::dispatch_idempotent`].
    pub async fn dispatch<E: Event, C: Command>(
        &self,
        bus: &CommandBus<E>,
        command: C,
    ) -> Result<Dispatched<E>, CommandError> {
        bus.dispatch_idempotent(command, Arc::clone(&self.attempt.key)).await
    }
}

impl Attempt {
    /// What events are marked with that the attempt appends.
    pub(super) fn dispatch_context(&self) -> DispatchContext {
        DispatchContext::new()
            .with_correlation_id(Arc::clone(&self.correlation_id))
            .with("saga", self.saga.to_string())
            .with("saga_step", self.step.to_string())
    }
}

/// A value as it is stored. One that is nested so deeply that it could not be read back is refused.
pub(super) fn write<T: Serialize>(value: &T) -> Result<Value, serde_json::Error> {
    let written = serde_json::to_value(value)?;
    match is_deeper_than(&written, MAX_DEPTH) {
        false => Ok(written),
        true => Err(serde::ser::Error::custom(format!("it is nested more than {MAX_DEPTH} levels deep"))),
    }
}

/// What is read is nested 128 levels deep at most, and what is stored lies within other values.
const MAX_DEPTH: usize = 100;

fn is_deeper_than(value: &Value, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return true };
    match value {
        Value::Array(values) => values.iter().any(|value| is_deeper_than(value, depth)),
        Value::Object(values) => values.values().any(|value| is_deeper_than(value, depth)),
        _ => false,
    }
}

/// A value as it was stored.
pub(super) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, serde_json::Error> {
    T::deserialize(value)
}

impl<I> Clone for StepContext<I> {
    fn clone(&self) -> Self {
        Self { attempt: Arc::clone(&self.attempt), input: Arc::clone(&self.input) }
    }
}

impl<I> fmt::Debug for StepContext<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepContext")
            .field("saga", &self.attempt.saga)
            .field("step", &self.attempt.step)
            .field("attempt", &self.attempt.number)
            .finish_non_exhaustive()
    }
}
