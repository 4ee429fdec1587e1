//! The bus as AllFrame 0.1.28 has it: made empty, filled while it runs, and without a store.

use std::{
    any::type_name,
    sync::{Arc, PoisonError, RwLock},
};

use super::{
    CommandBus, Handlers, KeyRetention, Shared, Storing, entry::Entry, handle::HandledBy, keys::Keys,
};
use crate::{BuildError, Command, CommandHandler, Event, EventStore};

impl<E: Event> CommandBus<E> {
    /// A bus without handlers and without a store, as AllFrame's: the events that handlers decide on are handed back by
    /// `dispatch`, and it is their caller who stores them. Idempotency keys are remembered as long as the bus lives.
    ///
    /// [`CommandBus::builder`] makes one that stores them, and whose keys outlive it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                store: EventStore::<E>::new().to_dyn(),
                storing: Storing::ByCaller,
                handlers: RwLock::new(Handlers::new()),
                layers: Vec::new(),
                keys: Keys::new(KeyRetention::Forever),
            }),
        }
    }

    /// Handles commands of type `C` from now on.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when there is a handler for them, which stays: AllFrame's bus forgets it.
    #[expect(clippy::unused_async, reason = "AllFrame's is async, and code that calls it awaits it")]
    pub async fn register<C: Command, H: CommandHandler<C, E> + 'static>(
        &self,
        handler: H,
    ) -> Result<(), BuildError> {
        let entry = Entry::new::<C>(type_name::<H>(), Box::new(HandledBy::<C, H>::new(handler)));
        let mut handlers = self.shared.handlers.write().unwrap_or_else(PoisonError::into_inner);
        entry.and_then(|entry| handlers.add(entry)).map_err(|problem| BuildError { problems: vec![problem] })
    }

    /// How many handlers there are.
    #[expect(clippy::unused_async, reason = "AllFrame's is async, and code that calls it awaits it")]
    pub async fn handlers_count(&self) -> usize {
        self.read(|handlers| handlers.by_type.len())
    }
}

impl<E: Event> Default for CommandBus<E> {
    fn default() -> Self {
        Self::new()
    }
}
