//! Handlers whose state is forgotten: they are given it as it is stored, and answer it as it is to be stored.

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::Reaction;

/// Reacts to a `T`, as an instance that knows this, or that is new; answers what it knows then.
pub(super) type Handler<T> =
    Arc<dyn Fn(Option<&Value>, &T, &mut Reaction<'_>) -> Result<Value, NotHandled> + Send + Sync>;

/// What stood around a handler.
pub(super) enum NotHandled {
    /// The state, as it was stored, cannot be read.
    State(serde_json::Error),
    /// What it reacts to, as it was stored, cannot be read.
    Payload(serde_json::Error),
    /// The new state cannot be stored.
    NewState(serde_json::Error),
}

/// A handler of what is at hand as it is.
pub(super) fn handler<S, T>(
    handle: impl Fn(&mut S, &T, &mut Reaction<'_>) + Send + Sync + 'static,
) -> Handler<T>
where
    S: Default + Serialize + DeserializeOwned,
{
    Arc::new(move |state, what, then| {
        let mut state = read_state::<S>(state)?;
        handle(&mut state, what, then);
        serde_json::to_value(&state).map_err(NotHandled::NewState)
    })
}

/// A handler of what was stored.
pub(super) fn handler_of_stored<S, T>(
    handle: impl Fn(&mut S, T, &mut Reaction<'_>) + Send + Sync + 'static,
) -> Handler<Value>
where
    S: Default + Serialize + DeserializeOwned,
    T: DeserializeOwned,
{
    Arc::new(move |state, payload, then| {
        let mut state = read_state::<S>(state)?;
        handle(&mut state, T::deserialize(payload).map_err(NotHandled::Payload)?, then);
        serde_json::to_value(&state).map_err(NotHandled::NewState)
    })
}

fn read_state<S: Default + DeserializeOwned>(state: Option<&Value>) -> Result<S, NotHandled> {
    match state {
        Some(state) => S::deserialize(state).map_err(NotHandled::State),
        None => Ok(S::default()),
    }
}
