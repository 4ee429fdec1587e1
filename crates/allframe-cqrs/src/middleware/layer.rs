use std::{any::Any, fmt, sync::Arc};

use async_trait::async_trait;
use futures_core::future::BoxFuture;

use crate::{DispatchContext, Fingerprint};

/// What stands around a handler: it answers `T`, or fails with an `X`.
///
/// Dropping the future of a dispatch drops that of every layer.
#[async_trait]
pub trait Layer<T, X>: Send + Sync + 'static {
    /// Lets a request through with [`Next::run`], or does not.
    ///
    /// # Errors
    ///
    /// Whatever it refuses with, and what comes back from further in.
    async fn call(&self, request: Request, next: Next<'_, T, X>) -> Result<T, X>;
}

/// A command or a query on its way to its handler.
pub struct Request {
    pub(crate) context: DispatchContext,
    pub(crate) message: Box<dyn Any + Send + Sync>,
    /// Of what the message was read from, for one that has no fingerprint of its own.
    pub(crate) fingerprint: Option<Fingerprint>,
}

impl Request {
    pub(crate) fn new(context: DispatchContext, message: Box<dyn Any + Send + Sync>) -> Self {
        Self { context, message, fingerprint: None }
    }

    /// What is known of it.
    #[must_use]
    pub fn context(&self) -> &DispatchContext {
        &self.context
    }

    /// The same request with another context, as one that has more metadata.
    #[must_use]
    pub fn map_context(mut self, change: impl FnOnce(DispatchContext) -> DispatchContext) -> Self {
        self.context = change(self.context);
        self
    }

    /// The command or the query, if it is of this type. One that could not be read from JSON is of none; what is wrong with it
    /// is its answer, behind the layers.
    #[must_use]
    pub fn message<M: 'static>(&self) -> Option<&M> {
        self.message.downcast_ref()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("context", &self.context).finish_non_exhaustive()
    }
}

/// All that comes after a layer: the next one, or the handler.
pub struct Next<'a, T, X> {
    layers: &'a [Arc<dyn Layer<T, X>>],
    end: &'a dyn End<T, X>,
}

/// What lies behind the last layer.
pub(crate) trait End<T, X>: Sync {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<T, X>>;
}

/// Sends a request through layers to what lies behind them.
pub(crate) async fn through<T: 'static, X: 'static>(
    layers: &[Arc<dyn Layer<T, X>>],
    end: &dyn End<T, X>,
    request: Request,
) -> Result<T, X> {
    Next { layers, end }.run(request).await
}

impl<'a, T: 'static, X: 'static> Next<'a, T, X> {
    /// Goes on with the request.
    ///
    /// # Errors
    ///
    /// What comes back from further in.
    pub async fn run(self, request: Request) -> Result<T, X> {
        self.call(request).await
    }

    /// What comes next, in the box in which it comes.
    fn call(self, request: Request) -> BoxFuture<'a, Result<T, X>> {
        match self.layers.split_first() {
            Some((layer, layers)) => layer.call(request, Next { layers, end: self.end }),
            None => self.end.call(request),
        }
    }
}

impl<T, X> fmt::Debug for Next<'_, T, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").field("layers", &self.layers.len()).finish_non_exhaustive()
    }
}
