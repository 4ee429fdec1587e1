use std::any::Any;

use super::{Registration, launch::Launch};
use crate::{Event, Projection};

/// A projection with a name and a version, as [`#[projection]`](crate::projection) gives them to it.
pub trait NamedProjection: Projection + Sized + 'static {
    /// The name of the read model, in all its versions.
    const NAME: &'static str;
    /// The version of what `apply` does and of what the state holds, from 1.
    const VERSION: u32;

    /// How it is run.
    fn registration() -> Registration<Self>;
}

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

#[cfg(feature = "macros")]
inventory::collect!(DiscoveredProjection);

/// All those that are built from events of this type.
#[cfg(feature = "macros")]
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
