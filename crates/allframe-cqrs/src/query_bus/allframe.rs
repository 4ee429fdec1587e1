//! The bus as AllFrame 0.1.28 has it: made empty, and filled while it runs.

use std::{any::type_name, sync::PoisonError};

use super::{
    QueryBus,
    entry::{Entry, handled_by},
};
use crate::{BuildError, Query, QueryHandler};

impl QueryBus {
    /// A bus without handlers. [`QueryBus::builder`] makes one that is checked whole.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shared: std::sync::Arc::new(super::Shared { handlers: Default::default(), layers: Vec::new() }),
        }
    }

    /// Answers queries of type `Q` from now on.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when there is a handler for them, which stays: AllFrame's bus forgets it.
    #[expect(clippy::unused_async, reason = "AllFrame's is async, and code that calls it awaits it")]
    pub async fn register<Q, R, H>(&self, handler: H) -> Result<(), BuildError>
    where
        Q: Query,
        R: Send + Sync + 'static,
        H: QueryHandler<Q, R> + 'static,
    {
        let entry = Entry::new::<Q, R>(type_name::<H>(), handled_by::<Q, R, H>(handler));
        let mut handlers = self.shared.handlers.write().unwrap_or_else(PoisonError::into_inner);
        handlers.add(entry).map_err(|problem| BuildError { problems: vec![problem] })
    }

    /// How many handlers there are.
    #[expect(clippy::unused_async, reason = "AllFrame's is async, and code that calls it awaits it")]
    pub async fn handlers_count(&self) -> usize {
        self.read(|handlers| handlers.by_type.len())
    }
}

impl Default for QueryBus {
    fn default() -> Self {
        Self::new()
    }
}
