//! The names that AllFrame 0.1.28 gives to all this, with the meaning that they promise.

use super::{Upcaster, VersionRegistry, step::Step};
use crate::Event;

/// A way from one schema version of an event to another, which somebody relies on.
///
/// A registry that was given one checks, when the store is made, that it really leads there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MigrationPath {
    /// Where it starts.
    pub from_version: u32,
    /// Where it leads.
    pub to_version: u32,
    /// The name under which the events are stored.
    pub event_type: String,
}

impl MigrationPath {
    /// The way of this event from one version to another.
    #[must_use]
    pub fn new(from: u32, to: u32, event_type: impl Into<String>) -> Self {
        Self { from_version: from, to_version: to, event_type: event_type.into() }
    }
}

/// An event that says its own version. Stored events have one by `#[event(version = N)]`, without this.
pub trait VersionedEvent: Event {
    /// The version of its schema.
    fn version(&self) -> u32;

    /// The name under which it is stored.
    fn event_type(&self) -> &'static str;
}

impl<E: Event> VersionRegistry<E> {
    /// Adds a step from an earlier type to today's; [`VersionRegistry::upcaster`] takes those between earlier types too.
    pub async fn register_upcaster<F: Event, U: Upcaster<F, E> + 'static>(&self, upcaster: U) {
        let step = Step::typed(move |from: F, _: &super::UpcastContext<'_>| upcaster.upcast(from));
        self.rules().steps.push(step);
    }

    /// Says that a way is relied on: without upcasters or migrations that make it, no store is made with the registry.
    pub async fn register_migration(&self, path: MigrationPath) {
        self.rules().untyped.paths.push(path);
    }

    /// The ways that were registered. [`VersionRegistry::migration_paths`] has all that there are.
    pub async fn get_migrations(&self) -> Vec<MigrationPath> {
        self.rules().untyped.paths.clone()
    }

    /// The ways that were registered for this event.
    pub async fn get_migrations_for(&self, event_type: &str) -> Vec<MigrationPath> {
        let paths = self.rules().untyped.paths.clone();
        paths.into_iter().filter(|path| path.event_type == event_type).collect()
    }

    /// Whether there is a step from one type to the other.
    pub async fn has_upcaster<F: Event, T: Event>(&self) -> bool {
        use std::any::TypeId;
        let wanted = (TypeId::of::<F>(), TypeId::of::<T>());
        self.rules().steps.iter().any(|step| match step {
            Step::Typed { from, to, .. } => (from.id, to.id) == wanted,
            Step::Json { .. } => false,
        })
    }

    /// How many steps were given.
    pub async fn upcaster_count(&self) -> usize {
        self.rules().steps.len()
    }

    /// How many ways were registered.
    pub async fn migration_count(&self) -> usize {
        self.rules().untyped.paths.len()
    }
}
