//! What AllFrame's bus needs, which is filled while it runs and leaves storing to its caller.

use std::sync::{Arc, PoisonError, RwLock};

use super::{
    CommandBus, Handlers, KeyRetention, Shared, Storing, entry::Entry, handle::handled_by, keys::Keys,
};
use crate::{BuildError, BuildProblem, Command, CommandHandler, Event, EventStore};

impl<E: Event> CommandBus<E> {
    /// A bus without handlers that hands events back. Its store is in memory, for the results of keys alone.
    pub(crate) fn that_hands_back() -> Self {
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

    pub(crate) fn add_handler<C: Command, H: CommandHandler<C, E> + 'static>(
        &self,
        name: &'static str,
        handler: H,
    ) -> Result<(), BuildError> {
        let entry = Entry::new::<C>(name, handled_by::<E, C, H>(handler));
        let mut handlers = self.shared.handlers.write().unwrap_or_else(PoisonError::into_inner);
        entry.and_then(|entry| handlers.add(entry)).map_err(|problem| BuildError { problems: vec![problem] })
    }
}

impl<E: Event> Handlers<E> {
    /// Adds a handler, unless there is one of its command.
    fn add(&mut self, entry: Entry<E>) -> Result<(), BuildProblem> {
        let second = entry.handler_name;
        if let Some(first) = self.by_type.get(&entry.command_type) {
            return Err(BuildProblem::DuplicateHandler {
                handled: first.command,
                first: first.handler_name,
                second,
            });
        }
        if let Some(first) = self.by_name.get(entry.command) {
            return Err(BuildProblem::SameName {
                name: entry.command,
                first: first.type_name,
                second: entry.type_name,
            });
        }
        self.put(Arc::new(entry));
        Ok(())
    }
}
