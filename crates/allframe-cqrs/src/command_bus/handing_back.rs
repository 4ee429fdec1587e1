//! What AllFrame's bus needs, which is filled while it runs and leaves storing to its caller.

use std::sync::{Arc, PoisonError, RwLock};

use super::{
    CommandBus, KeyRetention, Shared, Storing,
    entry::{Entry, StoredBy},
    handle::handled_by,
    handlers::Handlers,
    keys::Keys,
};
use crate::{BuildError, BuildProblem, Command, CommandHandler, Event, EventStore};

impl<E: Event> CommandBus<E> {
    /// A bus without handlers that hands events back. Its store is in memory, for the results of keys alone.
    pub(crate) fn that_hands_back() -> Self {
        let store = EventStore::<E>::new().to_dyn();
        let keys = Keys::of(&store, KeyRetention::Forever);
        Self {
            shared: Arc::new(Shared {
                store,
                storing: Storing::ByCaller,
                handlers: RwLock::new(Handlers::new()),
                layers: Vec::new(),
                keys,
            }),
        }
    }

    pub(crate) fn add_handler<C: Command, H: CommandHandler<C, E> + 'static>(
        &self,
        name: &'static str,
        handler: H,
    ) -> Result<(), BuildError> {
        let entry = Entry::new::<C>(name, StoredBy::Bus, handled_by::<E, C, H>(handler));
        let mut handlers = self.shared.handlers.write().unwrap_or_else(PoisonError::into_inner);
        entry.and_then(|entry| handlers.add(entry)).map_err(|problem| BuildError { problems: vec![problem] })
    }
}

impl<E: Event> Handlers<E> {
    /// Adds a handler, unless there is one of its command.
    fn add(&mut self, entry: Entry<E>) -> Result<(), BuildProblem> {
        let command = &entry.command;
        if let Some(first) = self.of_type(command.of_type) {
            return Err(BuildProblem::DuplicateHandler {
                handled: first.command.name,
                first: first.command.handler_name,
                second: command.handler_name,
            });
        }
        if let Some(first) = self.named(command.name) {
            return Err(BuildProblem::SameName {
                name: command.name,
                first: first.command.type_name,
                second: command.type_name,
            });
        }
        self.put(entry);
        Ok(())
    }
}
