use std::{any::Any, panic::AssertUnwindSafe};

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use tracing::Instrument;

use super::{
    Dispatched, Execution, Shared,
    behind_layers::{CarryOut, take_on},
    commit::Commit,
    entry::Entry,
    key_record::{Claim, Earlier},
};
use crate::{
    CommandError, DispatchContext, Event,
    middleware::{End, Request, through},
    telemetry::{Dispatch, Kind},
};

impl<E: Event> Shared<E> {
    /// Takes a command through the layers to its handler.
    pub(super) async fn dispatch(
        &self,
        entry: &Entry<E>,
        request: Request,
    ) -> Result<Dispatched<E>, CommandError> {
        self.take_to(&Last { shared: self, entry }, entry, request).await
    }

    /// Takes a command through the layers that could not be read from what came: whoever may not send it is told that, and no
    /// more.
    #[cfg(feature = "json-commands")]
    pub(super) async fn dispatch_unread(
        &self,
        entry: &Entry<E>,
        context: DispatchContext,
        error: CommandError,
    ) -> Result<Dispatched<E>, CommandError> {
        self.take_to(&Unread(error), entry, Request::new(context, Box::new(()))).await
    }

    async fn take_to(
        &self,
        end: &dyn End<Dispatched<E>, CommandError>,
        entry: &Entry<E>,
        request: Request,
    ) -> Result<Dispatched<E>, CommandError> {
        let command = entry.command.name;
        let request = request.map_context(|context| context.named(command));
        let dispatch = Dispatch::begin(Kind::Command, &request.context);
        // A handler's panic is caught further in, where layers see it; a layer's own comes as far as here.
        let carried_out = AssertUnwindSafe(through(&self.layers, end, request)).catch_unwind();
        let answer = carried_out.instrument(dispatch.span()).await;
        let answer = answer.unwrap_or_else(|payload| Err(CommandError::panicked(command, &*payload)));
        tell(dispatch, answer.as_ref().map(|done| (done.execution, done.attempts)));
        answer
    }
}

/// Tells what became of a command.
fn tell(dispatch: Dispatch, answer: Result<(Execution, u32), &CommandError>) {
    match answer {
        Ok((Execution::First, attempts)) => dispatch.succeeded("ok", attempts),
        Ok((Execution::Repeated, attempts)) => dispatch.succeeded("repeated", attempts),
        Err(error) => dispatch.failed(error, error.attempts()),
    }
}

/// Tells of a command that came to no handler, and hands back why.
pub(super) fn refused_unhandled(
    name: &'static str,
    context: DispatchContext,
    error: CommandError,
) -> CommandError {
    Dispatch::begin(Kind::Command, &context.named(name)).failed(&error, None);
    error
}

/// What lies behind the layers: checks, the key, the handler and the store.
struct Last<'a, E> {
    shared: &'a Shared<E>,
    entry: &'a Entry<E>,
}

impl<E: Event> End<Dispatched<E>, CommandError> for Last<'_, E> {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Dispatched<E>, CommandError>> {
        let Self { shared, entry } = *self;
        Box::pin(async move {
            let mut handling = Handling { shared, entry, done: Dispatched::nothing() };
            take_on(&shared.keys, &entry.command, request, &mut handling).await?;
            Ok(handling.done)
        })
    }
}

/// A command at its handler, and what became of it.
struct Handling<'a, E> {
    shared: &'a Shared<E>,
    entry: &'a Entry<E>,
    done: Dispatched<E>,
}

impl<E: Event> CarryOut for Handling<'_, E> {
    fn carry_out<'a>(
        &'a mut self,
        message: Box<dyn Any + Send + Sync>,
        context: &'a DispatchContext,
        claim: Option<&'a Claim>,
    ) -> BoxFuture<'a, Result<(), CommandError>> {
        let commit = Commit { store: &self.shared.store, storing: self.shared.storing, claim };
        self.entry.handler.handle(message, context, commit, &mut self.done)
    }

    fn repeat(&mut self, earlier: Earlier) -> Result<(), CommandError> {
        self.done = earlier.read(&self.shared.store)?;
        Ok(())
    }
}

/// What lies behind the layers where there is no command, but what is wrong with it.
#[cfg(feature = "json-commands")]
struct Unread(CommandError);

#[cfg(feature = "json-commands")]
impl<E: Event> End<Dispatched<E>, CommandError> for Unread {
    fn call(&self, _request: Request) -> BoxFuture<'_, Result<Dispatched<E>, CommandError>> {
        Box::pin(async { Err(self.0.clone()) })
    }
}
