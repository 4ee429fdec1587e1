use std::sync::Arc;

use futures_core::future::BoxFuture;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    SagaStep, StepContext, StepError,
    context::{Attempt, write},
    step::{Action, Plan, StepEntry},
};
use crate::{Command, CommandBus, Event, InverseVisitor, Invertible, panicked::guarded};

impl<I, E> SagaStep<I, Vec<E>>
where
    I: DeserializeOwned + Send + Sync + 'static,
    E: Event,
{
    /// A step of this name that dispatches a command, and answers the events of it.
    ///
    /// Which command that is, is decided and stored before it is dispatched, and it is dispatched with the
    /// [key](StepContext::idempotency_key) of the step: it is carried out once, and the same in every attempt, whatever
    /// `command` would decide then.
    ///
    /// An error of `command` fails the step, and so does a panic.
    pub fn command<C: Command + Serialize + DeserializeOwned>(
        name: impl Into<Arc<str>>,
        bus: &CommandBus<E>,
        command: impl Fn(&StepContext<I>) -> Result<C, StepError> + Send + Sync + 'static,
    ) -> Self {
        let bus = bus.clone();
        let run = move |attempt: Arc<Attempt>| -> BoxFuture<'static, Result<Value, StepError>> {
            let bus = bus.clone();
            Box::pin(async move {
                let context = StepContext::<Value>::untyped(attempt);
                let dispatched = context.dispatch(&bus, context.order::<C>()?).await?;
                write(&dispatched.events)
                    .map_err(|error| StepError::uncertain(format!("its events cannot be stored: {error}")))
            })
        };
        let mut entry = StepEntry::new(name.into(), Action::Run(Arc::new(run)));
        entry.plan = Some(planned(command));
        Self::of(entry)
    }

    /// As [`command`](Self::command), with a command that says what undoes it, `#[command(inverse = ..)]`: that is dispatched to undo
    /// the step, with a key of its own.
    ///
    /// Where it is not known whether the command was carried out, its key says so; and where it was not, it cannot be any more.
    pub fn invertible_command<C>(
        name: impl Into<Arc<str>>,
        bus: &CommandBus<E>,
        command: impl Fn(&StepContext<I>) -> Result<C, StepError> + Send + Sync + 'static,
    ) -> Self
    where
        C: Invertible + Serialize + DeserializeOwned,
        C::Inverse: Clone + Serialize + DeserializeOwned,
    {
        Self::command(name, bus, command).undone_by::<C, C::Inverse>(bus, C::inverse)
    }

    fn undone_by<C, V>(mut self, bus: &CommandBus<E>, inverse: fn(&C) -> V) -> Self
    where
        C: Command + Serialize + DeserializeOwned,
        V: Command,
    {
        let bus = bus.clone();
        let undo = move |attempt: Arc<Attempt>| -> BoxFuture<'static, Result<Value, StepError>> {
            let bus = bus.clone();
            Box::pin(async move {
                let may_be_undone =
                    attempt.own_output().is_some() || bus.withhold(&attempt.forward_key()).await?;
                if may_be_undone {
                    let context = StepContext::<Value>::untyped(attempt);
                    context.dispatch(&bus, inverse(&context.order::<C>()?)).await?;
                }
                Ok(Value::Null)
            })
        };
        self.entry.undo = Some(Arc::new(undo));
        self
    }
}

/// What the step of a command is going to do: the command, as it is stored.
fn planned<I, C>(command: impl Fn(&StepContext<I>) -> Result<C, StepError> + Send + Sync + 'static) -> Plan
where
    I: DeserializeOwned + Send + Sync + 'static,
    C: Serialize,
{
    Arc::new(move |attempt| {
        let planned = guarded(|| {
            let command = command(&StepContext::read(attempt)?)?;
            write(&command)
                .map_err(|error| StepError::rejected(format!("the command cannot be stored: {error}")))
        });
        planned.unwrap_or_else(|panicked| Err(StepError::rejected(panicked)))
    })
}

/// Gives the step of a command what undoes it, where a macro finds that the command says so.
#[doc(hidden)]
#[derive(Debug)]
pub struct UndoneByInverse<'a, I, E> {
    /// The step.
    pub step: SagaStep<I, Vec<E>>,
    /// Where its command is dispatched.
    pub bus: &'a CommandBus<E>,
}

impl<I, E, C> InverseVisitor<C> for UndoneByInverse<'_, I, E>
where
    I: DeserializeOwned + Send + Sync + 'static,
    E: Event,
    C: Command + Serialize + DeserializeOwned,
{
    type Output = SagaStep<I, Vec<E>>;

    fn visit<V>(self, inverse: fn(&C) -> V) -> Self::Output
    where
        V: Command + Clone + Serialize + DeserializeOwned,
    {
        self.step.undone_by::<C, V>(self.bus, inverse)
    }
}
