use std::fmt;

use super::QueryBusBuilder;
use crate::{DispatchContext, Query, QueryError, injection::Resolver};

/// A handler that registers itself. `#[query_handler]` makes one, and the linker brings all of them together.
#[doc(hidden)]
#[derive(Debug)]
pub struct DiscoveredQueryHandler {
    name: &'static str,
    offer: fn(&'static str, &mut QueryDiscovery<'_>),
}

impl DiscoveredQueryHandler {
    /// The handler of this path, which it offers to a bus.
    #[must_use]
    pub const fn new(name: &'static str, offer: fn(&'static str, &mut QueryDiscovery<'_>)) -> Self {
        Self { name, offer }
    }
}

inventory::collect!(DiscoveredQueryHandler);

/// Gives a builder all of them.
pub(super) fn add_all(builder: &mut QueryBusBuilder) {
    let mut found: Vec<_> = inventory::iter::<DiscoveredQueryHandler>.into_iter().collect();
    // The linker has an order of its own.
    found.sort_by_key(|handler| handler.name);
    let mut discovery = QueryDiscovery { builder };
    for handler in found {
        (handler.offer)(handler.name, &mut discovery);
    }
}

/// Takes handlers for one bus.
#[doc(hidden)]
pub struct QueryDiscovery<'a> {
    builder: &'a mut QueryBusBuilder,
}

impl QueryDiscovery<'_> {
    /// Offers a function.
    pub fn answering<Q, R, F, H>(
        &mut self,
        name: &'static str,
        prepare: impl FnOnce(&mut Resolver<'_>) -> Option<H> + Send + 'static,
    ) where
        Q: Query,
        R: Send + Sync + 'static,
        F: Future<Output = Result<R, QueryError>> + Send + 'static,
        H: Fn(Q, &DispatchContext) -> F + Send + Sync + 'static,
    {
        self.builder.prepared::<Q, R, F, H>(name, prepare);
    }
}

impl fmt::Debug for QueryDiscovery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryDiscovery").finish_non_exhaustive()
    }
}
