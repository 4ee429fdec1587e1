use std::{
    any::{Any, TypeId, type_name},
    marker::PhantomData,
    sync::Arc,
};

use futures_core::future::BoxFuture;

use crate::{DispatchContext, Query, QueryError, QueryHandler, registry::Awaited};

/// An answer, whatever its type.
pub(super) type AnyAnswer = Box<dyn Any + Send + Sync>;

/// A query, and how it is answered.
pub(super) struct Entry {
    pub(super) query: &'static str,
    pub(super) query_type: TypeId,
    pub(super) answer_type: TypeId,
    pub(super) answer_name: &'static str,
    pub(super) handler_name: &'static str,
    pub(super) handler: Box<dyn Handle>,
    /// The read models that the handler has been given.
    pub(super) awaited: Vec<Arc<dyn Awaited>>,
}

impl Entry {
    pub(super) fn new<Q: Query, R: 'static>(handler_name: &'static str, handler: Box<dyn Handle>) -> Self {
        Self {
            query: Q::name(),
            query_type: TypeId::of::<Q>(),
            answer_type: TypeId::of::<R>(),
            answer_name: type_name::<R>(),
            handler_name,
            handler,
            awaited: Vec::new(),
        }
    }
}

/// How queries of one type are answered.
pub(super) trait Handle: Send + Sync {
    fn handle<'a>(
        &'a self,
        query: Box<dyn Any + Send + Sync>,
        context: &'a DispatchContext,
    ) -> BoxFuture<'a, Result<AnyAnswer, QueryError>>;
}

/// A function.
pub(super) struct Answering<Q, H> {
    handler: H,
    queries: PhantomData<fn(Q)>,
}

impl<Q, H> Answering<Q, H> {
    pub(super) fn new(handler: H) -> Self {
        Self { handler, queries: PhantomData }
    }
}

impl<Q, R, F, H> Handle for Answering<Q, H>
where
    Q: Query,
    R: Send + Sync + 'static,
    F: Future<Output = Result<R, QueryError>> + Send,
    H: Fn(Q, &DispatchContext) -> F + Send + Sync,
{
    fn handle<'a>(
        &'a self,
        query: Box<dyn Any + Send + Sync>,
        context: &'a DispatchContext,
    ) -> BoxFuture<'a, Result<AnyAnswer, QueryError>> {
        Box::pin(async move {
            let answer = (self.handler)(own(query)?, context).await?;
            Ok(Box::new(answer) as AnyAnswer)
        })
    }
}

/// A handler as AllFrame has it: a function.
pub(super) fn handled_by<Q, R, H>(handler: H) -> Box<dyn Handle>
where
    Q: Query,
    R: Send + Sync + 'static,
    H: QueryHandler<Q, R> + 'static,
{
    let handler = Arc::new(handler);
    Box::new(Answering::<Q, _>::new(move |query: Q, _: &DispatchContext| {
        let handler = Arc::clone(&handler);
        async move { handler.handle(query).await }
    }))
}

fn own<Q: 'static>(query: Box<dyn Any + Send + Sync>) -> Result<Q, QueryError> {
    match query.downcast() {
        Ok(query) => Ok(*query),
        Err(_) => Err(QueryError::Internal(format!(
            "a layer has put something else in the place of a `{}`",
            type_name::<Q>()
        ))),
    }
}
