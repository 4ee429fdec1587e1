use std::any::Any;

use super::{NamedProjection, launch::Launch};
use crate::Event;

/// A projection that registers itself. `#[projection]` makes one, and the linker brings all of them together.
#[doc(hidden)]
#[derive(Debug)]
pub struct DiscoveredProjection {
    launch: fn() -> Box<dyn Any>,
}

impl DiscoveredProjection {
    /// This one.
    #[must_use]
    pub const fn of<P: NamedProjection>() -> Self {
        Self {
            launch: || {
                let launch: Box<dyn Launch<P::Event>> = Box::new(P::registration());
                Box::new(launch)
            },
        }
    }
}

inventory::collect!(DiscoveredProjection);

/// All those that are built from events of this type.
pub(super) fn all_of<E: Event>() -> Vec<Box<dyn Launch<E>>> {
    let discovered = inventory::iter::<DiscoveredProjection>.into_iter();
    let mut found: Vec<Box<dyn Launch<E>>> = discovered
        .filter_map(|discovered| (discovered.launch)().downcast::<Box<dyn Launch<E>>>().ok())
        .map(|launch| *launch)
        .collect();
    // The linker has an order of its own.
    found.sort_by(|one, other| one.name().cmp(other.name()));
    found
}
