use super::{
    Dispatched, DynStore, KeyRetention, Storing,
    commit::Commit,
    entry::Entry,
    key_record::{Known, look_up, record_stream},
};
use crate::{CommandError, Event, middleware::Request, one_at_a_time::OneAtATime};

/// Sees to it that a command with a key is carried out once.
#[derive(Default)]
pub(super) struct Keys {
    retention: KeyRetention,
    /// Within this process; between processes, the append decides.
    turns: OneAtATime,
}

impl Keys {
    pub(super) fn new(retention: KeyRetention) -> Self {
        Self { retention, turns: OneAtATime::default() }
    }

    pub(super) async fn once<E: Event>(
        &self,
        store: &DynStore<E>,
        storing: Storing,
        entry: &Entry<E>,
        key: &str,
        request: Request,
    ) -> Result<Dispatched<E>, CommandError> {
        let Request { context, message } = request;
        let stream = record_stream(key)?;
        let fingerprint = (entry.fingerprint)(&*message);
        let find = || look_up(store, key, &stream, entry.command, fingerprint, self.retention);

        let _turn = self.turns.enter(&stream).await;
        let claim = match find().await? {
            Known::Executed(first) => return Ok(first),
            Known::Free(claim) => claim,
        };
        let commit = Commit { store, storing, claim: Some(&claim) };
        let answer = entry.handler.handle(message, &context, commit).await;
        let Err(failed) = answer else { return answer };
        // Another process may have been faster with the same key. Then this one met what that has stored: a conflict, of the
        // key or of the events, or a rule that forbids to do it twice.
        match find().await {
            Ok(Known::Executed(first)) => Ok(first),
            Err(reused @ CommandError::KeyReused { .. }) => Err(reused),
            Ok(Known::Free(_)) | Err(_) => Err(failed),
        }
    }
}
