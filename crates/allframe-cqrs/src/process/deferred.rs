//! What waits for its time: timers, and commands that are scheduled. Each is a saga of one step, so that it is done by whichever
//! process is there when its time comes, and again until it has been.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::Instrument;

use super::{
    ProcessError,
    carry_out::Dispatched,
    engine::{Cause, Engine},
    event::Trigger,
    key::{Instance, command_saga, timer_saga},
};
use crate::{
    Backoff,
    saga::{OnFailure, SagaDefinition, SagaError, SagaStep, StepContext, StepError},
};

/// A timer that was set.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TimerSet {
    pub(super) key: String,
    pub(super) timer: String,
    pub(super) serial: u64,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(super) payload: Value,
}

/// A command that is to be dispatched.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ScheduledCommand {
    pub(super) key: String,
    pub(super) version: u64,
    pub(super) order: usize,
    pub(super) command: String,
    pub(super) body: Value,
    pub(super) causation_id: String,
}

/// How often it is tried before a person has to look at it: for an hour or so.
const MAX_ATTEMPTS: NonZeroU32 = NonZeroU32::new(20).expect("it is not 0");
const BACKOFF: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(300)).with_jitter();

pub(super) fn timers(process: &Arc<Engine>) -> SagaDefinition<TimerSet> {
    let known = Arc::clone(process);
    let step = SagaStep::new("fire", move |context: StepContext<TimerSet>| {
        let process = Arc::clone(&known);
        async move { Ok(process.fire(&context).await?) }
    });
    SagaDefinition::new(timer_saga(&process.name)).then(patient(step))
}

pub(super) fn commands(process: &Arc<Engine>) -> SagaDefinition<ScheduledCommand> {
    let known = Arc::clone(process);
    let step = SagaStep::new("dispatch", move |context: StepContext<ScheduledCommand>| {
        let process = Arc::clone(&known);
        async move { Ok(process.dispatch_scheduled(&context).await?) }
    });
    SagaDefinition::new(command_saga(&process.name)).then(patient(step))
}

fn patient<I: serde::de::DeserializeOwned + Send + Sync + 'static>(step: SagaStep<I, ()>) -> SagaStep<I, ()> {
    step.with_max_attempts(MAX_ATTEMPTS).with_backoff(BACKOFF).on_failure(OnFailure::Park)
}

impl Engine {
    /// The time of a timer has come. One that was cancelled, or set anew, is over.
    async fn fire(&self, context: &StepContext<TimerSet>) -> Result<(), ProcessError> {
        let runtime = self.runtime().await?;
        let TimerSet { key, timer, serial, payload } = context.input();
        let instance = Instance::new(&self.name, key)?;
        let Some(handler) = self.timers.get(timer.as_str()) else {
            let process = self.name.to_string();
            return Err(ProcessError::UnknownTimer { process, timer: timer.clone() });
        };
        let cause = Cause {
            correlation_id: Arc::clone(context.correlation_id()),
            causation_id: context.saga().stream().as_str().into(),
        };
        let to = Trigger::Timer { name: timer.clone(), serial: *serial };
        let span = tracing::info_span!(
            "process_reaction",
            process = &*self.name,
            key,
            timer,
            correlation_id = &*cause.correlation_id,
        );
        async {
            match self.react(&runtime, &instance, &cause, &to, (handler, payload)).await? {
                Some(found) => self.carry_out(&runtime, &instance, &cause, found).await,
                None => Ok(()),
            }
        }
        .instrument(span)
        .await
    }

    /// The time of a command has come.
    async fn dispatch_scheduled(&self, context: &StepContext<ScheduledCommand>) -> Result<(), ProcessError> {
        let runtime = self.runtime().await?;
        let ScheduledCommand { key, version, order, command, body, causation_id } = context.input();
        let instance = Instance::new(&self.name, key)?;
        let cause = Cause {
            correlation_id: Arc::clone(context.correlation_id()),
            causation_id: causation_id.as_str().into(),
        };
        // It may have been refused before, and the instance have answered that, in an attempt whose process died.
        let refused = Trigger::Refused {
            version: *version,
            order: *order,
            command: command.clone(),
            reason: String::new(),
        };
        let behind = eventstore_api::Version::new(*version);
        let found = match runtime.log.find(&instance.stream, &refused, behind).await? {
            Some(found) => Some(found),
            None => {
                let order = Dispatched { version: *version, place: *order, command, body };
                self.dispatch(&runtime, &instance, &cause, order).await?
            }
        };
        match found {
            Some(found) => self.carry_out(&runtime, &instance, &cause, found).await,
            None => Ok(()),
        }
    }
}

/// What cannot be done for now is tried again.
impl From<ProcessError> for StepError {
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::Store(error) | ProcessError::Saga(SagaError::Store(error)) => error.into(),
            ProcessError::Command { source, .. } => source.into(),
            ProcessError::Overtaken { .. }
            | ProcessError::Closed
            | ProcessError::Failed { .. }
            | ProcessError::Saga(SagaError::Closed) => Self::retryable(error),
            ProcessError::Panicked { .. } => Self::uncertain(error),
            _ => Self::rejected(error),
        }
    }
}
