use std::{any::Any, fmt};

use super::{CommandBusBuilder, DecidedEvents, IntoDecision, StoredBy};
use crate::{Addressed, Aggregate, Command, DispatchContext, Event, injection::Resolver};

/// A handler that registers itself. `#[command_handler]` makes one, and the linker brings all of them together.
#[doc(hidden)]
#[derive(Debug)]
pub struct DiscoveredCommandHandler {
    name: &'static str,
    offer: fn(&'static str, &mut CommandDiscovery<'_>),
}

impl DiscoveredCommandHandler {
    /// The handler of this path, which it offers to a bus.
    #[must_use]
    pub const fn new(name: &'static str, offer: fn(&'static str, &mut CommandDiscovery<'_>)) -> Self {
        Self { name, offer }
    }
}

inventory::collect!(DiscoveredCommandHandler);

/// Adds all those that decide on events of type `E`.
pub(super) fn add_all<E: Event>(builder: &mut CommandBusBuilder<E>) {
    offer_all(builder);
}

fn offer_all(builder: &mut dyn Any) {
    let mut found: Vec<_> = inventory::iter::<DiscoveredCommandHandler>.into_iter().collect();
    // The linker has an order of its own.
    found.sort_by_key(|handler| handler.name);
    let mut discovery = CommandDiscovery { builder };
    for handler in found {
        (handler.offer)(handler.name, &mut discovery);
    }
}

/// Takes those handlers that decide on the events of one bus.
#[doc(hidden)]
pub struct CommandDiscovery<'a> {
    /// A `CommandBusBuilder<E>`.
    builder: &'a mut dyn Any,
}

impl CommandDiscovery<'_> {
    /// Offers a function that answers with events, or stores them by itself.
    pub fn answering<C, D, F, H>(
        &mut self,
        name: &'static str,
        stored_by: StoredBy,
        prepare: impl FnOnce(&mut Resolver<'_>) -> Option<H> + Send + 'static,
    ) where
        C: Command,
        D: IntoDecision,
        F: Future<Output = D> + Send + 'static,
        H: Fn(C, &DispatchContext) -> F + Send + Sync + 'static,
    {
        if let Some(builder) = self.builder_of::<D::Event>() {
            builder.prepared::<C, D, F, H>(name, stored_by, prepare);
        }
    }

    /// Offers a function that decides on an aggregate.
    pub fn deciding<C, A, D, H>(
        &mut self,
        name: &'static str,
        prepare: impl FnOnce(&mut Resolver<'_>) -> Option<H> + Send + 'static,
    ) where
        C: Addressed,
        A: Aggregate,
        D: DecidedEvents<Event = A::Event>,
        H: Fn(&C, &A, &DispatchContext) -> D + Send + Sync + 'static,
    {
        if let Some(builder) = self.builder_of::<A::Event>() {
            builder.deciding::<C, A, D, H>(name, prepare);
        }
    }

    /// The builder, if it is of these events.
    fn builder_of<E: Event>(&mut self) -> Option<&mut CommandBusBuilder<E>> {
        self.builder.downcast_mut()
    }
}

impl fmt::Debug for CommandDiscovery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandDiscovery").finish_non_exhaustive()
    }
}
