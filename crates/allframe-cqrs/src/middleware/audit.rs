use std::{
    fmt,
    time::{Duration, Instant},
};

use async_trait::async_trait;

use super::{Layer, Next, Outcome, Request};
use crate::DispatchContext;

/// Tells of every request what became of it, whoever refused it further in.
///
/// ```
/// use allframe_cqrs::middleware::{Audit, AuditEntry};
///
/// let audit = Audit::new(|entry: &AuditEntry<'_>| {
///     let who = entry.context.metadata().get("user").unwrap_or("somebody");
///     println!("{who}: {} {} in {:?}", entry.context.name(), entry.outcome, entry.took);
/// });
/// ```
///
/// A dispatch whose future is dropped is told of as `dropped`.
pub struct Audit<F> {
    tell: F,
}

/// What became of a request.
#[derive(Debug)]
#[non_exhaustive]
pub struct AuditEntry<'a> {
    /// Whose it was, and what it belongs to.
    pub context: &'a DispatchContext,
    /// `ok`, or what its error says in one word.
    pub outcome: &'static str,
    /// The message of its error.
    pub error: Option<&'a str>,
    /// How long it took, from this layer inwards.
    pub took: Duration,
}

impl<F: Fn(&AuditEntry<'_>)> Audit<F> {
    /// Tells this, once a request, on the task of the dispatch: it should be quick.
    pub const fn new(tell: F) -> Self {
        Self { tell }
    }
}

#[async_trait]
impl<T, X, F> Layer<T, X> for Audit<F>
where
    T: Send + 'static,
    X: Outcome + fmt::Display + Send + Sync + 'static,
    F: Fn(&AuditEntry<'_>) + Send + Sync + 'static,
{
    async fn call(&self, request: Request, next: Next<'_, T, X>) -> Result<T, X> {
        let mut open =
            Open { tell: &self.tell, context: Some(request.context.clone()), begun: Instant::now() };
        let answer = next.run(request).await;
        match &answer {
            Ok(_) => open.close("ok", None),
            Err(error) => open.close(error.outcome(), Some(&error.to_string())),
        }
        answer
    }
}

impl<F> fmt::Debug for Audit<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit").finish_non_exhaustive()
    }
}

/// A request of which nothing has been told yet.
struct Open<'a, F: Fn(&AuditEntry<'_>)> {
    tell: &'a F,
    context: Option<DispatchContext>,
    begun: Instant,
}

impl<F: Fn(&AuditEntry<'_>)> Open<'_, F> {
    fn close(&mut self, outcome: &'static str, error: Option<&str>) {
        if let Some(context) = self.context.take() {
            (self.tell)(&AuditEntry { context: &context, outcome, error, took: self.begun.elapsed() });
        }
    }
}

impl<F: Fn(&AuditEntry<'_>)> Drop for Open<'_, F> {
    fn drop(&mut self) {
        self.close("dropped", None);
    }
}
