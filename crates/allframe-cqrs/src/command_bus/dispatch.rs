use std::panic::AssertUnwindSafe;

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use tracing::Instrument;

use super::{Answered, Dispatched, Shared, commit::Commit, entry::Entry};
use crate::{
    CommandError, Event, dispatch_context,
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
        let request = request.map_context(|context| context.named(entry.command));
        let dispatch = Dispatch::begin(Kind::Command, &request.context);
        let last = Last { shared: self, entry };
        let answer = through(&self.layers, &last, request).instrument(dispatch.span()).await;
        match &answer {
            Ok(done) if done.answer == Answered::Before => dispatch.succeeded("repeated", done.attempts),
            Ok(done) => dispatch.succeeded("ok", done.attempts),
            Err(error) => dispatch.failed(error, error.attempts()),
        }
        answer
    }

    /// Tells of a command that could not be read from what came.
    #[cfg(feature = "json-commands")]
    pub(super) fn tell_unread(entry: &Entry<E>, context: crate::DispatchContext, error: &CommandError) {
        Dispatch::begin(Kind::Command, &context.named(entry.command)).failed(error, None);
    }

    async fn handle(&self, entry: &Entry<E>, request: Request) -> Result<Dispatched<E>, CommandError> {
        (entry.check)(&*request.message)?;
        let key = request.context.idempotency_key().map(str::to_owned);
        match key {
            Some(key) => self.keys.once(&self.store, self.storing, entry, &key, request).await,
            None => {
                let Request { context, message } = request;
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
