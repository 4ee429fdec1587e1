use std::{fmt, marker::PhantomData, sync::Arc};

use futures_core::future::BoxFuture;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    SagaStep, StepContext, StepError,
    context::{Attempt, write},
    step::{Action, Plan, Run, StepEntry},
};
use crate::{Command, CommandBus, Event, InverseOf, InverseVisitor, Invertible, panicked::guarded};

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
        Self::command(name, bus, command).undone_by(UndoCommand::new(bus, C::inverse))
    }

    fn undone_by(mut self, undo: UndoCommand) -> Self {
        self.entry.undo = Some(undo.0);
        self
    }
}

/// What undoes the step of a command.
#[doc(hidden)]
pub struct UndoCommand(Run);

impl UndoCommand {
    fn new<E, C, V>(bus: &CommandBus<E>, inverse: fn(&C) -> V) -> Self
    where
        E: Event,
        C: Command + Serialize + DeserializeOwned,
        V: Command,
    {
        let bus = bus.clone();
        Self(Arc::new(move |attempt: Arc<Attempt>| -> BoxFuture<'static, Result<Value, StepError>> {
            let bus = bus.clone();
            Box::pin(async move {
                let may_be_done =
                    attempt.own_output().is_some() || bus.withhold(&attempt.forward_key()).await?;
                if may_be_done {
                    let context = StepContext::<Value>::untyped(attempt);
                    context.dispatch(&bus, inverse(&context.order::<C>()?)).await?;
                }
                Ok(Value::Null)
            })
        }))
    }
}

impl fmt::Debug for UndoCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UndoCommand").finish_non_exhaustive()
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

/// The step of a command that a macro makes, of which it asks whether the command says what undoes it.
#[doc(hidden)]
#[derive(Debug)]
pub struct DeclaredCommand<'b, I, E, C> {
    step: SagaStep<I, Vec<E>>,
    bus: &'b CommandBus<E>,
    command: PhantomData<fn(&C)>,
}

impl<'b, I, E, C> DeclaredCommand<'b, I, E, C>
where
    I: DeserializeOwned + Send + Sync + 'static,
    E: Event,
    C: Command + Serialize + DeserializeOwned,
{
    #[must_use]
    pub fn new(
        name: &'static str,
        bus: &'b CommandBus<E>,
        command: impl Fn(&StepContext<I>) -> Result<C, StepError> + Send + Sync + 'static,
    ) -> Self {
        Self { step: SagaStep::command(name, bus, command), bus, command: PhantomData }
    }
}

// Without bounds: what is wrong with a command is said once, where it is given.
impl<'b, I, E, C> DeclaredCommand<'b, I, E, C> {
    #[must_use]
    pub const fn inverse_of(&self) -> InverseOf<C> {
        InverseOf::new()
    }

    #[must_use]
    pub fn undone_by(&self) -> UndoneByInverse<'b, E> {
        UndoneByInverse { bus: self.bus }
    }

    #[must_use]
    pub fn into_step(mut self, undo: Option<UndoCommand>) -> SagaStep<I, Vec<E>> {
        if let Some(UndoCommand(undo)) = undo {
            self.step.entry.undo = Some(undo);
        }
        self.step
    }
}

/// Makes of the inverse of a command what undoes its step.
#[doc(hidden)]
#[derive(Debug)]
pub struct UndoneByInverse<'b, E> {
    bus: &'b CommandBus<E>,
}

impl<E, C> InverseVisitor<C> for UndoneByInverse<'_, E>
where
    E: Event,
    C: Command + Serialize + DeserializeOwned,
{
    type Output = UndoCommand;

    fn visit<V>(self, inverse: fn(&C) -> V) -> UndoCommand
    where
        V: Command + Clone + Serialize + DeserializeOwned,
    {
        UndoCommand::new(self.bus, inverse)
    }
}
