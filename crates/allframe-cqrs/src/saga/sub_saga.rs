use std::sync::Arc;

use eventstore_api::{Metadata, Version};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    Saga, SagaError, SagaEvent, SagaId, SagaOutcome, SagaStep, Started, StepContext, StepError, StepOutputs,
    context::{Direction, read, write},
    definition::Steps,
    engine::Engine,
    log::Written,
    state::{Phase, SagaState, StepState, StepStatus},
    step::{Action, StepEntry},
};
use crate::{clock::after, panicked::guarded};

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
                // No type and no step holds a `/`, so that no two steps have one saga.
                let id = format!("{}/{}/{}", attempt.saga.saga(), attempt.saga.id(), attempt.step);
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
#[derive(Clone, Serialize, Deserialize)]
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
    engine: &Engine,
    parent: &SagaId,
    state: &SagaState,
    step: &StepState,
) -> Result<Child, SagaError> {
    let Some((child, order)) = child_of(step) else { return Ok(unreadable()) };
    let known = engine.log.load(&child).await?;
    if known.state.phase == Phase::Missing {
        let started = started(engine, parent, state, &child, order);
        // Where somebody else was faster, it was the same.
        engine.log.append(&child, Version::NONE, &[started], &metadata(state)).await?;
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
    engine: &Engine,
    parent: &SagaId,
    state: &SagaState,
    step: &StepState,
) -> Result<Child, SagaError> {
    let Some((child, order)) = child_of(step) else { return Ok(unreadable()) };
    let turned = SagaEvent::CompensationBegun { reason: format!("the saga `{parent}` was turned round") };
    loop {
        let known = engine.log.load(&child).await?;
        let events = match known.state.phase {
            Phase::Compensated { .. } | Phase::Abandoned { .. } => {
                return Ok(Child::Ended(Ok(Value::Null)));
            }
            Phase::Compensating { .. } | Phase::Parked { turning_round_for: Some(_), .. } => {
                return Ok(Child::GoesOn(child));
            }
            // A process that was paused may be about to start it: now it cannot any more.
            Phase::Missing => {
                vec![started(engine, parent, state, &child, order.clone()), turned.clone()]
            }
            Phase::Forward | Phase::Completed | Phase::Parked { .. } => vec![turned.clone()],
        };
        if let Written::At { .. } =
            engine.log.append(&child, known.version, &events, &metadata(state)).await?
        {
            return Ok(Child::GoesOn(child));
        }
    }
}

/// How the saga of a step begins: with what its definition says, where that is known here.
fn started(engine: &Engine, parent: &SagaId, state: &SagaState, child: &SagaId, order: Order) -> SagaEvent {
    let steps = engine.definitions.get(child.saga());
    let timeout = steps.and_then(|steps| steps.timeout);
    SagaEvent::Started(Started {
        input: order.input,
        version: steps.map_or(1, |steps| steps.version),
        correlation_id: state.correlation_id.to_string(),
        deadline: timeout.map(|timeout| after(engine.clock.now(), timeout)),
        parent: Some(parent.stream().as_str().to_owned()),
        ..Started::default()
    })
}

/// The sagas of the steps that are carried out, or turned round.
pub(super) fn children(state: &SagaState, steps: &Steps) -> Vec<(SagaId, Direction)> {
    let is_saga =
        |step: &StepState| steps.entry(&step.name).is_some_and(|entry| matches!(entry.action, Action::Saga));
    let under_way = state.steps.iter().filter(|step| is_saga(step)).filter_map(|step| match step.status {
        StepStatus::Running { .. } => Some((child_of(step)?.0, Direction::Forward)),
        StepStatus::Undoing { .. } => Some((child_of(step)?.0, Direction::Undo)),
        _ => None,
    });
    under_way.collect()
}

/// Whether the saga of a step, in this state, is to be started or turned round, or the step has come to its end.
pub(super) fn is_anything_to_do_about(child: &SagaState, direction: Direction) -> bool {
    match direction {
        Direction::Forward => child.phase == Phase::Missing || child.has_ended(),
        Direction::Undo => !matches!(
            child.phase,
            Phase::Compensating { .. } | Phase::Parked { turning_round_for: Some(_), .. }
        ),
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
