use super::{
    Dispatched, DynStore, KeyRetention, Storing,
    commit::Commit,
    entry::Entry,
    key_record::{Known, look_up, record_stream, withhold},
    key_turns::KeyTurns,
};
use crate::{CommandError, Event, middleware::Request};

/// Sees to it that a command with a key is carried out once.
#[derive(Default)]
pub(super) struct Keys {
    retention: KeyRetention,
    turns: KeyTurns,
}

impl Keys {
    pub(super) fn new(retention: KeyRetention) -> Self {
        Self { retention, turns: KeyTurns::default() }
    }

    /// Sees to it that no command is carried out with this key any more, and answers whether one has been.
    pub(super) async fn withhold<E: Event>(
        &self,
        store: &DynStore<E>,
        key: &str,
    ) -> Result<bool, CommandError> {
        withhold(store, key).await
    }

    pub(super) async fn once<E: Event>(
        &self,
        store: &DynStore<E>,
        storing: Storing,
        entry: &Entry<E>,
        key: &str,
        request: Request,
    ) -> Result<Dispatched<E>, CommandError> {
        let Request { context, message, fingerprint } = request;
        let stream = record_stream(key)?;
        let fingerprint = (entry.fingerprint)(&*message).or(fingerprint);
        let find = || look_up(store, key, &stream, entry.command, fingerprint, self.retention);
        let work = async {
            let claim = match find().await? {
                Known::Executed(first) => return Ok(first),
                Known::Free(claim) => claim,
            };
            let commit = Commit { store, storing, claim: Some(&claim) };
            let error = match entry.handler.handle(message, &context, commit).await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            // Another process may have been faster with the same key. The append says so, or the handler does, which saw the
            // events of the other and refuses to do the same again. And an append whose answer was lost has left the record.
            match find().await {
                Ok(Known::Executed(first)) => Ok(first),
                Err(reused @ CommandError::KeyReused { .. }) => Err(reused),
                _ => Err(error),
            }
        };
        let done = self.turns.run(&stream, entry.command, work).await;
        done.unwrap_or_else(|first| {
            Err(CommandError::KeyReused { key: key.to_owned(), first: first.to_owned() })
        })
    }
}
