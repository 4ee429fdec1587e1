use std::{
    any::type_name,
    fmt,
    sync::{Arc, RwLock},
};

use super::{
    Handlers, QueryBus, Shared,
    entry::{Answering, AnyAnswer, Entry, handled_by},
};
use crate::{
    BuildError, DispatchContext, ErrorOrText, Projection, ProjectionHandle, Query, QueryError, QueryHandler,
    injection::{Dependencies, Handled, Installs, Resolver, built},
    middleware::Layer,
};

/// A [`QueryBus`] in the making. The order of what it is given makes no difference, but for that of layers.
pub struct QueryBusBuilder {
    dependencies: Dependencies,
    handlers: Installs<Entry>,
    layers: Vec<Arc<dyn Layer<AnyAnswer, QueryError>>>,
}

impl QueryBusBuilder {
    pub(super) fn new() -> Self {
        Self { dependencies: Dependencies::new(), handlers: Installs::new(), layers: Vec::new() }
    }

    /// Gives handlers a value wherever they ask for its type, each dispatch a clone: an `Arc` of something, as a rule. The last
    /// of a type counts. Without being given, there is the [`DispatchContext`].
    #[must_use]
    pub fn provide<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.dependencies.insert_value(value);
        self
    }

    /// As [`provide`](Self::provide), with a value that is made for each dispatch, as one for the tenant it names.
    #[must_use]
    pub fn provide_with<T: Send + Sync + 'static>(
        mut self,
        make: impl Fn(&DispatchContext) -> T + Send + Sync + 'static,
    ) -> Self {
        self.dependencies.insert(make);
        self
    }

    /// Gives handlers a read model wherever they ask for a `ProjectionHandle<P>`; it is what
    /// [`dispatch_at`](QueryBus::dispatch_at) waits for.
    #[must_use]
    pub fn projection<P: Projection + 'static>(mut self, projection: ProjectionHandle<P>) -> Self {
        self.dependencies.insert_awaited(projection.clone(), Arc::new(projection));
        self
    }

    /// Answers queries of type `Q` with a value's answers.
    #[must_use]
    pub fn handler<Q, R, H>(mut self, handler: H) -> Self
    where
        Q: Query,
        R: Send + Sync + 'static,
        H: QueryHandler<Q, R> + 'static,
    {
        self.handlers.push(type_name::<H>(), Handled::of::<Q>(Q::name()), move |_, name| {
            Some(Ok(Entry::new::<Q, R>(name, handled_by::<Q, R, H>(handler))))
        });
        self
    }

    /// Answers queries of type `Q` with an async function or closure that may fail.
    ///
    /// ```
    /// use allframe_cqrs::{QueryBus, query};
    ///
    /// #[query]
    /// struct Half { of: u32 }
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let bus = QueryBus::builder()
    ///     .function(|query: Half| async move {
    ///         if query.of % 2 == 0 { Ok(query.of / 2) } else { Err("it is odd") }
    ///     })
    ///     .build()
    ///     .unwrap();
    /// assert_eq!(bus.dispatch::<_, u32>(Half { of: 84 }).await.unwrap(), 42);
    /// assert_eq!(bus.dispatch::<_, u32>(Half { of: 5 }).await.unwrap_err().to_string(), "it is odd");
    /// # });
    /// ```
    #[must_use]
    pub fn function<Q, R, X, F, H>(mut self, handler: H) -> Self
    where
        Q: Query,
        R: Send + Sync + 'static,
        X: ErrorOrText + 'static,
        F: Future<Output = Result<R, X>> + Send + 'static,
        H: Fn(Q) -> F + Send + Sync + 'static,
    {
        self.prepared::<Q, R, _, _>(type_name::<H>(), |_| {
            Some(move |query: Q, _: &DispatchContext| {
                let answer = handler(query);
                async move { answer.await.map_err(QueryError::failed) }
            })
        });
        self
    }

    /// Adds every handler with [`#[query_handler]`](crate::query_handler) in the program.
    #[cfg(feature = "macros")]
    #[must_use]
    pub fn discover(mut self) -> Self {
        super::discovered::add_all(&mut self);
        self
    }

    /// Puts a layer around all handlers, inside of those before it.
    #[must_use]
    pub fn layer(self, layer: impl Layer<Box<dyn std::any::Any + Send + Sync>, QueryError>) -> Self {
        self.shared_layer(Arc::new(layer))
    }

    /// As [`layer`](Self::layer), with one that other buses have too.
    #[must_use]
    pub fn shared_layer(
        mut self,
        layer: Arc<dyn Layer<Box<dyn std::any::Any + Send + Sync>, QueryError>>,
    ) -> Self {
        self.layers.push(layer);
        self
    }

    /// The bus.
    ///
    /// # Errors
    ///
    /// [`BuildError`] with everything that is wrong: every argument of a handler that nobody gave, and every query that two
    /// handlers answer.
    pub fn build(self) -> Result<QueryBus, BuildError> {
        let mut handlers = Handlers::default();
        let problems = self.handlers.install(&self.dependencies, |installed| {
            handlers.put(Entry { awaited: installed.awaited, ..installed.entry });
        });
        let shared = Shared { handlers: RwLock::new(handlers), layers: self.layers };
        built(QueryBus { shared: Arc::new(shared) }, problems)
    }

    /// A handler whose arguments are found when the bus is built.
    pub(super) fn prepared<Q, R, F, H>(
        &mut self,
        name: &'static str,
        prepare: impl FnOnce(&mut Resolver<'_>) -> Option<H> + Send + 'static,
    ) where
        Q: Query,
        R: Send + Sync + 'static,
        F: Future<Output = Result<R, QueryError>> + Send + 'static,
        H: Fn(Q, &DispatchContext) -> F + Send + Sync + 'static,
    {
        self.handlers.push(name, Handled::of::<Q>(Q::name()), move |resolver, name| {
            let handler = Answering::<Q, H>::new(prepare(resolver)?);
            Some(Ok(Entry::new::<Q, R>(name, Box::new(handler))))
        });
    }
}

impl fmt::Debug for QueryBusBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryBusBuilder")
            .field("handlers", &self.handlers.len())
            .field("layers", &self.layers.len())
            .finish_non_exhaustive()
    }
}
