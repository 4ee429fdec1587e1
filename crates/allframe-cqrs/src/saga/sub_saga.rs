use std::sync::Arc;

use eventstore_api::{Metadata, Version};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    Saga, SagaError, SagaEvent, SagaId, SagaOutcome, SagaStep, Started, StepContext, StepError, StepOutputs,
    context::{read, write},
    log::{SagaLog, Written},
    state::{Phase, SagaState, StepState},
    step::{Action, StepEntry},
};
use crate::panicked::guarded;

impl<I: DeserializeOwned + Send + Sync + 'static> SagaStep<I, StepOutputs> {
    /// A step of this name that starts a saga of type `S`, and answers what the steps of that have, once it is completed. Where it
    /// is compensated or abandoned, the step has failed; while it waits for a person, this one waits too.
    ///
    /// The step is undone by turning that saga round. It has no time limit unless [given one](Self::with_timeout).
    pub fn saga<S: Saga>(
        name: impl Into<Arc<str>>,
        input: impl Fn(&StepContext<I>) -> Result<S::Input, StepError> + Send + Sync + 'static,
    ) -> Self {
        Self::saga_of_type(name, S::NAME, input)
    }

    /// As [`saga`](Self::saga), of a type of this name.
    pub fn saga_of_type<C: Serialize>(
        name: impl Into<Arc<str>>,
        saga: impl Into<Arc<str>>,
        input: impl Fn(&StepContext<I>) -> Result<C, StepError> + Send + Sync + 'static,
    ) -> Self {
        let saga: Arc<str> = saga.into();
        let mut entry = StepEntry::new(name.into(), Action::Saga);
        entry.timeout = std::time::Duration::MAX;
        entry.plan = Some(Arc::new(move |attempt| {
            let planned = guarded(|| {
                let id = format!("{}.{}", attempt.saga.id(), attempt.step);
                let child = SagaId::new(&saga, &id).map_err(StepError::rejected)?;
                let input = write(&input(&StepContext::read(attempt)?)?);
                let input = input
                    .map_err(|error| StepError::rejected(format!("its input cannot be stored: {error}")))?;
                let order = Order { saga: child.saga().to_owned(), id: child.id().to_owned(), input };
                write(&order).map_err(StepError::rejected)
            });
            planned.unwrap_or_else(|panicked| Err(StepError::rejected(panicked)))
        }));
        Self::of(entry)
    }
}

/// The saga that a step has started, or is about to.
#[derive(Serialize, Deserialize)]
struct Order {
    saga: String,
    id: String,
    input: Value,
}

/// Where the saga of a step is.
pub(super) enum Child {
    /// It goes on, or waits for a person.
    GoesOn(SagaId),
    /// The step has come to its end.
    Ended(Result<Value, StepError>),
}

/// Starts the saga of a step, unless it was started before, and looks where it is.
pub(super) async fn follow(
    log: &SagaLog,
    parent: &SagaId,
    state: &SagaState,
    step: &StepState,
) -> Result<Child, SagaError> {
    let Some((child, order)) = child_of(step) else { return Ok(unreadable()) };
    let known = log.load(&child).await?;
    if known.state.phase == Phase::Missing {
        let started = SagaEvent::Started(Started {
            input: order.input,
            version: 1,
            correlation_id: state.correlation_id.to_string(),
            parent: Some(parent.stream().as_str().to_owned()),
            ..Started::default()
        });
        // Where somebody else was faster, it was the same.
        log.append(&child, Version::NONE, &[started], &metadata(state)).await?;
        return Ok(Child::GoesOn(child));
    }
    Ok(match SagaOutcome::of(&known.state) {
        None | Some(SagaOutcome::Parked { .. }) => Child::GoesOn(child),
        Some(SagaOutcome::Completed(outputs)) => Child::Ended(write(&outputs).map_err(StepError::rejected)),
        Some(SagaOutcome::Compensated { reason }) => {
            Child::Ended(Err(StepError::rejected(format!("the saga `{child}` was undone: {reason}"))))
        }
        Some(SagaOutcome::Abandoned { reason }) => {
            Child::Ended(Err(StepError::rejected(format!("the saga `{child}` was abandoned: {reason}"))))
        }
    })
}

/// Turns the saga of a step round, and looks where it is.
pub(super) async fn turn_round(
    log: &SagaLog,
    parent: &SagaId,
    state: &SagaState,
    step: &StepState,
) -> Result<Child, SagaError> {
    let Some((child, _)) = child_of(step) else { return Ok(unreadable()) };
    loop {
        let known = log.load(&child).await?;
        match known.state.phase {
            Phase::Missing | Phase::Compensated { .. } | Phase::Abandoned { .. } => {
                return Ok(Child::Ended(Ok(Value::Null)));
            }
            Phase::Compensating { .. } | Phase::Parked { compensating: Some(_), .. } => {
                return Ok(Child::GoesOn(child));
            }
            Phase::Forward | Phase::Completed | Phase::Parked { .. } => {}
        }
        let event = SagaEvent::CompensationBegun { reason: format!("the saga `{parent}` was turned round") };
        if let Written::At { .. } = log.append(&child, known.version, &[event], &metadata(state)).await? {
            return Ok(Child::GoesOn(child));
        }
    }
}

fn child_of(step: &StepState) -> Option<(SagaId, Order)> {
    let order: Order = read(step.order.as_deref()?).ok()?;
    Some((SagaId::new(&order.saga, &order.id).ok()?, order))
}

fn unreadable() -> Child {
    Child::Ended(Err(StepError::rejected("which saga the step has started cannot be read")))
}

fn metadata(state: &SagaState) -> Metadata {
    Metadata::new().with_correlation_id(state.correlation_id.to_string())
}
