use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    SagaStep, StepContext, StepError,
    context::write,
    step::{Action, Run, StepEntry},
};
use crate::{Command, CommandBus, Event, panicked::guarded};

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
        let run: Run = Arc::new(move |attempt| {
            let bus = bus.clone();
            Box::pin(async move {
                let context = StepContext::<Value>::untyped(attempt);
                let dispatched = context.dispatch(&bus, context.order::<C>()?).await?;
                write(&dispatched.events)
                    .map_err(|error| StepError::uncertain(format!("its events cannot be stored: {error}")))
            })
        });
        let mut entry = StepEntry::new(name.into(), Action::Run(run));
        entry.plan = Some(Arc::new(move |attempt| {
            let planned = guarded(|| {
                let command = command(&StepContext::read(attempt)?)?;
                write(&command)
                    .map_err(|error| StepError::rejected(format!("the command cannot be stored: {error}")))
            });
            planned.unwrap_or_else(|panicked| Err(StepError::rejected(panicked)))
        }));
        Self::of(entry)
    }
}
