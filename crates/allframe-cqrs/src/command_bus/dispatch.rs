use std::panic::AssertUnwindSafe;

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use tracing::Instrument;

use super::{
    Dispatched, Execution, Shared,
    commit::Commit,
    entry::{Entry, StoredBy},
};
use crate::{
    CommandError, DispatchContext, Event, dispatch_context,
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
        let request = request.map_context(|context| context.named(entry.command));
        let dispatch = Dispatch::begin(Kind::Command, &request.context);
        // A handler's panic is caught further in, where layers see it; a layer's own comes as far as here.
        let carried_out = AssertUnwindSafe(through(&self.layers, end, request)).catch_unwind();
        let answer = carried_out.instrument(dispatch.span()).await;
        let answer = answer.unwrap_or_else(|payload| Err(CommandError::panicked(entry.command, &*payload)));
        match &answer {
            Ok(done) if done.execution == Execution::Repeated => {
                dispatch.succeeded("repeated", done.attempts);
            }
            Ok(done) => dispatch.succeeded("ok", done.attempts),
            Err(error) => dispatch.failed(error, error.attempts()),
        }
        answer
    }

    /// Tells of a command that came to no handler.
    pub(super) fn told(name: &'static str, context: DispatchContext, error: CommandError) -> CommandError {
        Dispatch::begin(Kind::Command, &context.named(name)).failed(&error, None);
        error
    }

    async fn handle(&self, entry: &Entry<E>, request: Request) -> Result<Dispatched<E>, CommandError> {
        (entry.check)(&*request.message)?;
        let key = request.context.idempotency_key().map(str::to_owned);
        match key {
            Some(_) if entry.stored_by == StoredBy::Handler => {
                Err(CommandError::StoresByItself { command: entry.command })
            }
            Some(key) => self.keys.once(&self.store, self.storing, entry, &key, request).await,
            None => {
                let Request { context, message, .. } = request;
                let commit = Commit { store: &self.store, storing: self.storing, claim: None };
                entry.handler.handle(message, &context, commit).await
            }
        }
    }
}

/// What lies behind the layers: checks, the key, the handler and the store.
struct Last<'a, E> {
    shared: &'a Shared<E>,
    entry: &'a Entry<E>,
}

impl<E: Event> End<Dispatched<E>, CommandError> for Last<'_, E> {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Dispatched<E>, CommandError>> {
        let Self { shared, entry } = self;
        let context = request.context.clone();
        let handled = AssertUnwindSafe(shared.handle(entry, request)).catch_unwind();
        Box::pin(async move {
            match dispatch_context::scope(context, handled).await {
                Ok(answer) => answer,
                Err(payload) => Err(CommandError::panicked(entry.command, &*payload)),
            }
        })
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
