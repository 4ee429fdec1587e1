use std::{
    num::NonZeroUsize,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use tokio::sync::Semaphore;

use super::{Layer, Next, Refusal, Request};

/// Lets only so many requests go on at a time; the others wait, first come, first served.
///
/// One layer counts what goes through it: given to two buses, in an `Arc`, it bounds both together.
#[derive(Debug)]
pub struct ConcurrencyLimit {
    permits: Semaphore,
    waiting: AtomicUsize,
    max_waiting: usize,
}

impl ConcurrencyLimit {
    /// At most so many at a time, and any number that wait.
    #[must_use]
    pub fn new(requests: NonZeroUsize) -> Self {
        let permits = Semaphore::new(requests.get().min(Semaphore::MAX_PERMITS));
        Self { permits, waiting: AtomicUsize::new(0), max_waiting: usize::MAX }
    }

    /// The same, but a request that would be more than the so-manieth to wait is refused as [`Refusal::Overloaded`].
    #[must_use]
    pub fn with_max_waiting(mut self, requests: usize) -> Self {
        self.max_waiting = requests;
        self
    }
}

#[async_trait]
impl<T: Send + 'static, X: From<Refusal> + Send + 'static> Layer<T, X> for ConcurrencyLimit {
    async fn call(&self, request: Request, next: Next<'_, T, X>) -> Result<T, X> {
        let _permit = match self.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => {
                let waiting = Waiting::join(&self.waiting);
                if waiting.before >= self.max_waiting {
                    return Err(Refusal::Overloaded { waiting: waiting.before }.into());
                }
                match self.permits.acquire().await {
                    Ok(permit) => permit,
                    // Nobody closes it.
                    Err(_) => return Err(Refusal::Overloaded { waiting: waiting.before }.into()),
                }
            }
        };
        next.run(request).await
    }
}

/// One that waits; it counts until it is dropped.
struct Waiting<'a> {
    count: &'a AtomicUsize,
    before: usize,
}

impl<'a> Waiting<'a> {
    fn join(count: &'a AtomicUsize) -> Self {
        Self { count, before: count.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}
