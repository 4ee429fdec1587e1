//! How the commands of a process manager find their buses, of which only the name is stored.

use std::sync::Arc;

use eventstore_api::message_with_causes;
use futures_core::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::ProcessError;
use crate::{Command, CommandBus, CommandError, DispatchContext, Event};

/// Dispatches a command as it is stored, with a key.
pub(super) type Dispatch = Arc<
    dyn Fn(Value, DispatchContext, Arc<str>) -> BoxFuture<'static, Result<(), NotDispatched>> + Send + Sync,
>;

/// Why a command was not carried out.
pub(super) enum NotDispatched {
    /// It was refused, and would be another time.
    Refused(CommandError),
    /// Something else went wrong.
    Failed(ProcessError),
}

pub(super) fn dispatch<C: Command + DeserializeOwned, E: Event>(bus: &CommandBus<E>) -> Dispatch {
    let bus = bus.clone();
    Arc::new(move |body, context, key| {
        let bus = bus.clone();
        Box::pin(async move {
            let command: C = serde_json::from_value(body).map_err(|source| {
                NotDispatched::Failed(ProcessError::Unreadable {
                    name: C::name().to_owned(),
                    source: Arc::new(source),
                })
            })?;
            match bus.dispatch_idempotent_with(context, command, key).await {
                Ok(_) => Ok(()),
                Err(error) if is_refusal(&error) => Err(NotDispatched::Refused(error)),
                Err(source) => {
                    let command = C::name().to_owned();
                    Err(NotDispatched::Failed(ProcessError::Command { command, source }))
                }
            }
        })
    })
}

/// Whether the domain says no, so that to ask again is no use.
fn is_refusal(error: &CommandError) -> bool {
    matches!(
        error,
        CommandError::Validation(_)
            | CommandError::Rejected(_)
            | CommandError::BusinessLogic(_)
            | CommandError::AlreadyExecuted(_)
            | CommandError::Denied(_)
    )
}

impl NotDispatched {
    /// What a handler of refusals is told.
    pub(super) fn reason(error: &CommandError) -> String {
        message_with_causes(error)
    }
}
