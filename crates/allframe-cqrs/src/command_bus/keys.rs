use std::sync::Arc;

use eventstore_api::EventStoreBackend;

use super::{
    DynStore, KeyRetention,
    behind_layers::CarryOut,
    entry::KnownCommand,
    key_record::{Known, look_up, record_stream},
    key_turns::KeyTurns,
};
use crate::{CommandError, Event, middleware::Request};

/// Sees to it that a command with a key is carried out once.
pub(super) struct Keys {
    /// Where the records of keys are.
    backend: Arc<dyn EventStoreBackend>,
    retention: KeyRetention,
    turns: KeyTurns,
}

impl Keys {
    /// The records are in this store, among its events.
    pub(super) fn of<E: Event>(store: &DynStore<E>, retention: KeyRetention) -> Self {
        Self { backend: Arc::clone(store.backend()), retention, turns: KeyTurns::default() }
    }

    pub(super) async fn once(
        &self,
        command: &KnownCommand,
        key: &str,
        request: Request,
        handler: &mut dyn CarryOut,
    ) -> Result<(), CommandError> {
        let Request { context, message, fingerprint } = request;
        let stream = record_stream(key)?;
        let fingerprint = (command.fingerprint)(&*message).or(fingerprint);
        let find = || look_up(&*self.backend, key, &stream, command.name, fingerprint, self.retention);
        let work = async {
            let claim = match find().await? {
                Known::Executed(first) => return handler.repeat(first),
                Known::Free(claim) => claim,
            };
            let Err(error) = handler.carry_out(message, &context, Some(&claim)).await else { return Ok(()) };
            // Another process may have been faster with the same key. The append says so, or the handler does, which saw the
            // events of the other and refuses to do the same again. And an append whose answer was lost has left the record.
            match find().await {
                // Where that cannot be read here, why this one was refused says more.
                Ok(Known::Executed(first)) => handler.repeat(first).or(Err(error)),
                Err(reused @ CommandError::KeyReused { .. }) => Err(reused),
                _ => Err(error),
            }
        };
        let done = self.turns.run(&stream, command.name, work).await;
        done.unwrap_or_else(|first| {
            Err(CommandError::KeyReused { key: key.to_owned(), first: first.to_owned() })
        })
    }
}
