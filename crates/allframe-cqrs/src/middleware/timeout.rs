use std::time::Duration;

use async_trait::async_trait;

use super::{Layer, Next, Refusal, Request};

/// Gives a request up that takes longer than it may. It needs a tokio runtime with time.
///
/// What a command has done by then is done: an append happened wholly or not at all. With an idempotency key it can be sent
/// again.
#[derive(Clone, Copy, Debug)]
pub struct Timeout {
    after: Duration,
}

impl Timeout {
    /// Gives up after this time, counted from where this layer stands.
    #[must_use]
    pub const fn new(after: Duration) -> Self {
        Self { after }
    }
}

#[async_trait]
impl<T: Send + 'static, X: From<Refusal> + Send + 'static> Layer<T, X> for Timeout {
    async fn call(&self, request: Request, next: Next<'_, T, X>) -> Result<T, X> {
        match tokio::time::timeout(self.after, next.run(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(Refusal::TimedOut(self.after).into()),
        }
    }
}
