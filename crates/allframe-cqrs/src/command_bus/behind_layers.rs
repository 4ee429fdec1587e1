use std::{any::Any, panic::AssertUnwindSafe};

use futures_core::future::BoxFuture;
use futures_util::FutureExt;

use super::{
    entry::{KnownCommand, StoredBy},
    key_record::{Claim, Earlier},
    keys::Keys,
};
use crate::{CommandError, DispatchContext, dispatch_context, middleware::Request};

/// The handler of a command, as those know it who need not know what its events are. It keeps what became of the command.
pub(super) trait CarryOut: Send {
    /// Hands the command over, and stores what is decided, with the record of its key if it has one.
    fn carry_out<'a>(
        &'a mut self,
        message: Box<dyn Any + Send + Sync>,
        context: &'a DispatchContext,
        claim: Option<&'a Claim>,
    ) -> BoxFuture<'a, Result<(), CommandError>>;

    /// Takes what became of the command earlier.
    fn repeat(&mut self, earlier: Earlier) -> Result<(), CommandError>;
}

/// Takes a command to its handler: what lies behind the layers, of whatever type the events are.
///
/// In a box, since what is awaited in place is compiled with each type that awaits it.
pub(super) fn take_on<'a>(
    keys: &'a Keys,
    command: &'a KnownCommand,
    request: Request,
    handler: &'a mut dyn CarryOut,
) -> BoxFuture<'a, Result<(), CommandError>> {
    Box::pin(async move {
        let context = request.context.clone();
        let handled = AssertUnwindSafe(handle(keys, command, request, handler)).catch_unwind();
        match dispatch_context::scope(context, handled).await {
            Ok(answer) => answer,
            Err(payload) => Err(CommandError::panicked(command.name, &*payload)),
        }
    })
}

async fn handle(
    keys: &Keys,
    command: &KnownCommand,
    request: Request,
    handler: &mut dyn CarryOut,
) -> Result<(), CommandError> {
    (command.check)(&*request.message)?;
    let key = request.context.idempotency_key().map(str::to_owned);
    match key {
        Some(_) if command.stored_by == StoredBy::Handler => {
            Err(CommandError::StoresByItself { command: command.name })
        }
        Some(key) => keys.once(command, &key, request, handler).await,
        None => {
            let Request { context, message, .. } = request;
            handler.carry_out(message, &context, None).await
        }
    }
}
