use std::{any::TypeId, collections::HashMap, sync::Arc};

use super::entry::{Entry, KnownCommand};

/// The handlers of a bus.
pub(super) struct Handlers<E> {
    entries: Vec<Arc<Entry<E>>>,
    places: Places,
}

impl<E> Handlers<E> {
    pub(super) fn new() -> Self {
        Self { entries: Vec::new(), places: Places::default() }
    }

    /// Adds a handler of a command that has none.
    pub(super) fn put(&mut self, entry: Entry<E>) {
        self.places.put(&entry.command, self.entries.len());
        self.entries.push(Arc::new(entry));
    }

    /// That of the commands of this type.
    pub(super) fn of_type(&self, command: TypeId) -> Option<&Arc<Entry<E>>> {
        self.entries.get(self.places.of_type(command)?)
    }

    /// That of the commands of this name.
    #[cfg(any(feature = "memory", feature = "json-commands"))]
    pub(super) fn named(&self, command: &str) -> Option<&Arc<Entry<E>>> {
        self.entries.get(self.places.named(command)?)
    }

    /// The names of their commands, sorted.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.places.names()
    }
}

/// Where the handler of a command is among all, so that the maps are the same for every type of events.
#[derive(Default)]
struct Places {
    by_type: HashMap<TypeId, usize>,
    by_name: HashMap<&'static str, usize>,
}

impl Places {
    fn put(&mut self, command: &KnownCommand, place: usize) {
        self.by_type.insert(command.of_type, place);
        self.by_name.insert(command.name, place);
    }

    fn of_type(&self, command: TypeId) -> Option<usize> {
        self.by_type.get(&command).copied()
    }

    #[cfg(any(feature = "memory", feature = "json-commands"))]
    fn named(&self, command: &str) -> Option<usize> {
        self.by_name.get(command).copied()
    }

    fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.by_name.keys().copied().collect();
        names.sort_unstable();
        names
    }
}
