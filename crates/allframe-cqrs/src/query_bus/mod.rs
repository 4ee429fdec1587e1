mod allframe;
mod builder;
#[cfg(feature = "macros")]
mod discovered;
mod entry;

use std::{
    any::{Any, TypeId, type_name},
    collections::HashMap,
    fmt,
    panic::AssertUnwindSafe,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

pub use builder::QueryBusBuilder;
#[cfg(feature = "macros")]
pub use discovered::{DiscoveredQueryHandler, QueryDiscovery};
use entry::{AnyAnswer, Entry};
use eventstore_api::GlobalPosition;
use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use tracing::Instrument;

use crate::{
    BuildProblem, DispatchContext, Query, QueryError, dispatch_context,
    middleware::{End, Layer, Request, through},
    telemetry::{Dispatch, Kind},
};

/// Takes queries to their handlers.
///
/// There is one handler a query: a function with [`#[query_handler]`](crate::query_handler), which registers itself, or a
/// function, a closure or a [`QueryHandler`](crate::QueryHandler) that is given by hand. What it reads is given to it by type,
/// as to the handlers of a [`CommandBus`](crate::CommandBus), and checked when the bus is built.
///
/// A query that is to see what a command did is asked [as of its position](QueryBus::dispatch_at): it waits for the read models
/// that its handler has been given.
///
/// ```
/// use std::time::Duration;
/// use allframe_cqrs::{
///     EventStore, Projection, ProjectionError, ProjectionHandle, ProjectionRegistry, QueryBus, Registration, event, query,
///     query_handler,
/// };
/// use serde::{Deserialize, Serialize};
///
/// #[event]
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Deposited { amount: u64 }
///
/// #[derive(Clone, Default, Serialize, Deserialize)]
/// struct Turnover { total: u64 }
///
/// impl Projection for Turnover {
///     type Event = Deposited;
///     fn apply(&mut self, event: &Deposited) { self.total += event.amount }
/// }
///
/// #[query]
/// struct TotalTurnover;
///
/// #[query_handler]
/// async fn total_turnover(_query: TotalTurnover, turnover: ProjectionHandle<Turnover>) -> Result<u64, ProjectionError> {
///     Ok(turnover.read().await?.total)
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let store = EventStore::new();
/// let registry = ProjectionRegistry::new(store.clone());
/// registry.add(Registration::stored("turnover", 1, Turnover::default)).await?;
///
/// let bus = QueryBus::builder().projection(registry.handle::<Turnover>()?).discover().build().unwrap();
///
/// let appended = store.append("account-7", vec![Deposited { amount: 42 }]).await.unwrap();
/// let total: u64 = bus.dispatch_at(TotalTurnover, appended.last_position, Duration::from_secs(5)).await.unwrap();
/// assert_eq!(total, 42);
/// # registry.close().await?;
/// # Ok::<(), ProjectionError>(()) }).unwrap();
/// ```
///
/// Cloning a bus is cheap and gives another handle to the same one. To wait for a read model takes a tokio runtime with time.
pub struct QueryBus {
    shared: Arc<Shared>,
}

struct Shared {
    handlers: RwLock<Handlers>,
    layers: Vec<Arc<dyn Layer<AnyAnswer, QueryError>>>,
}

/// The handlers of a bus.
#[derive(Default)]
struct Handlers {
    by_type: HashMap<TypeId, Arc<Entry>>,
}

impl Handlers {
    /// Adds a handler, unless there is one of its query.
    fn add(&mut self, entry: Entry) -> Result<(), BuildProblem> {
        if let Some(first) = self.by_type.get(&entry.query_type) {
            return Err(BuildProblem::DuplicateHandler {
                handled: first.query,
                first: first.handler_name,
                second: entry.handler_name,
            });
        }
        self.put(entry);
        Ok(())
    }

    fn put(&mut self, entry: Entry) {
        self.by_type.insert(entry.query_type, Arc::new(entry));
    }
}

/// Up to where read models have to be before they are read.
#[derive(Clone, Copy)]
struct AsOfWrite {
    position: GlobalPosition,
    timeout: Duration,
}

impl QueryBus {
    /// A bus in the making.
    #[must_use]
    pub fn builder() -> QueryBusBuilder {
        QueryBusBuilder::new()
    }

    /// Takes a query to its handler. Dropping the future early drops that of the handler.
    ///
    /// # Errors
    ///
    /// [`QueryError`]: [`NotFound`](QueryError::NotFound), [`OtherAnswer`](QueryError::OtherAnswer), what the handler answered
    /// or [how it panicked](QueryError::Panicked), and what a layer refused it with.
    pub async fn dispatch<Q: Query, R: Send + Sync + 'static>(&self, query: Q) -> Result<R, QueryError> {
        self.dispatch_with(DispatchContext::new(), query).await
    }

    /// As [`QueryBus::dispatch`], with what the caller knows of the query.
    ///
    /// # Errors
    ///
    /// As [`QueryBus::dispatch`].
    pub async fn dispatch_with<Q: Query, R: Send + Sync + 'static>(
        &self,
        context: DispatchContext,
        query: Q,
    ) -> Result<R, QueryError> {
        self.ask(context, query, None).await
    }

    /// As [`QueryBus::dispatch`], once every read model that the handler has been given has everything up to a position: that
    /// of a command's [answer](crate::Dispatched::position), to read one's own write.
    ///
    /// # Errors
    ///
    /// As [`QueryBus::dispatch`], [`QueryError::Projection`] where a read model does not come so far in time, or at all, and
    /// [`QueryError::NothingToWaitFor`] where the handler takes no `ProjectionHandle` that the bus was given with
    /// [`projection`](QueryBusBuilder::projection).
    pub async fn dispatch_at<Q: Query, R: Send + Sync + 'static>(
        &self,
        query: Q,
        position: GlobalPosition,
        timeout: Duration,
    ) -> Result<R, QueryError> {
        self.dispatch_at_with(DispatchContext::new(), query, position, timeout).await
    }

    /// As [`QueryBus::dispatch_at`], with what the caller knows of the query.
    ///
    /// # Errors
    ///
    /// As [`QueryBus::dispatch_at`].
    pub async fn dispatch_at_with<Q: Query, R: Send + Sync + 'static>(
        &self,
        context: DispatchContext,
        query: Q,
        position: GlobalPosition,
        timeout: Duration,
    ) -> Result<R, QueryError> {
        self.ask(context, query, Some(AsOfWrite { position, timeout })).await
    }

    async fn ask<Q: Query, R: Send + Sync + 'static>(
        &self,
        context: DispatchContext,
        query: Q,
        as_of: Option<AsOfWrite>,
    ) -> Result<R, QueryError> {
        let entry = self.read(|handlers| handlers.by_type.get(&TypeId::of::<Q>()).cloned());
        let context = context.for_dispatch();
        let Some(entry) = entry else {
            let error = QueryError::NotFound(Q::name().to_owned());
            Dispatch::begin(Kind::Query, &context.named(Q::name())).failed(&error, None);
            return Err(error);
        };
        if entry.answer_type != TypeId::of::<R>() {
            let (query, answer) = (entry.query, entry.answer_name);
            let error = QueryError::OtherAnswer { query, answer, wanted: type_name::<R>() };
            Dispatch::begin(Kind::Query, &context.named(query)).failed(&error, None);
            return Err(error);
        }
        let answer = self.shared.dispatch(&entry, context.named(entry.query), Box::new(query), as_of).await?;
        match answer.downcast() {
            Ok(answer) => Ok(*answer),
            Err(_) => Err(QueryError::OtherAnswer {
                query: entry.query,
                answer: "what a layer has put in its place",
                wanted: type_name::<R>(),
            }),
        }
    }

    fn read<T>(&self, look: impl FnOnce(&Handlers) -> T) -> T {
        look(&self.shared.handlers.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shared {
    async fn dispatch(
        &self,
        entry: &Entry,
        context: DispatchContext,
        message: Box<dyn Any + Send + Sync>,
        as_of: Option<AsOfWrite>,
    ) -> Result<AnyAnswer, QueryError> {
        let dispatch = Dispatch::begin(Kind::Query, &context);
        let last = Last { entry, as_of };
        let request = Request::new(context, message);
        // A handler's panic is caught further in, where layers see it; a layer's own comes as far as here.
        let answered = AssertUnwindSafe(through(&self.layers, &last, request)).catch_unwind();
        let answer = answered.instrument(dispatch.span()).await;
        let answer = answer.unwrap_or_else(|payload| Err(QueryError::panicked(entry.query, &*payload)));
        match &answer {
            Ok(_) => dispatch.succeeded("ok", 1),
            Err(error) => dispatch.failed(error, None),
        }
        answer
    }
}

/// What lies behind the layers: the read models, and the handler.
struct Last<'a> {
    entry: &'a Entry,
    as_of: Option<AsOfWrite>,
}

impl Last<'_> {
    async fn answer(&self, request: Request) -> Result<AnyAnswer, QueryError> {
        if let Some(AsOfWrite { position, timeout }) = self.as_of {
            if self.entry.awaited.is_empty() {
                return Err(QueryError::NothingToWaitFor { query: self.entry.query });
            }
            let waits = self.entry.awaited.iter().map(|model| model.wait_until(position, timeout));
            futures_util::future::try_join_all(waits).await?;
        }
        let Request { context, message, .. } = request;
        self.entry.handler.handle(message, &context).await
    }
}

impl End<AnyAnswer, QueryError> for Last<'_> {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<AnyAnswer, QueryError>> {
        let context = request.context.clone();
        let answered = AssertUnwindSafe(self.answer(request)).catch_unwind();
        Box::pin(async move {
            match dispatch_context::scope(context, answered).await {
                Ok(answer) => answer,
                Err(payload) => Err(QueryError::panicked(self.entry.query, &*payload)),
            }
        })
    }
}

impl Clone for QueryBus {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl fmt::Debug for QueryBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryBus").field("layers", &self.shared.layers.len()).finish_non_exhaustive()
    }
}
