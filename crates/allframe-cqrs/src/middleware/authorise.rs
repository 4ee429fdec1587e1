use std::fmt;

use async_trait::async_trait;

use super::{Layer, Next, Refusal, Request};

/// Asks whether a request may go on. One that is denied never reaches its handler.
///
/// ```
/// use allframe_cqrs::middleware::{Authorise, Request};
///
/// let signed_in = Authorise::new(|request: &Request| match request.context().metadata().get("user") {
///     Some(_) => Ok(()),
///     None => Err("sign in first".to_owned()),
/// });
/// ```
///
/// A decision that has to be waited for is a [`Layer`] of its own.
pub struct Authorise<F> {
    decide: F,
}

impl<F: Fn(&Request) -> Result<(), String>> Authorise<F> {
    /// Lets through what this agrees to; its error is the reason, which the caller is told.
    pub const fn new(decide: F) -> Self {
        Self { decide }
    }
}

#[async_trait]
impl<T, X, F> Layer<T, X> for Authorise<F>
where
    T: Send + 'static,
    X: From<Refusal> + Send + 'static,
    F: Fn(&Request) -> Result<(), String> + Send + Sync + 'static,
{
    async fn call(&self, request: Request, next: Next<'_, T, X>) -> Result<T, X> {
        (self.decide)(&request).map_err(Refusal::Denied)?;
        next.run(request).await
    }
}

impl<F> fmt::Debug for Authorise<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorise").finish_non_exhaustive()
    }
}
