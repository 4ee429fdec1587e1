use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// By when a case must have come to an end. It begins anew with every store that the case takes: what hangs is noticed,
/// and a case that makes many runs has time for each.
#[derive(Clone)]
pub(crate) struct Deadline {
    limit: Duration,
    begun: Arc<Mutex<Instant>>,
}

impl Deadline {
    pub(crate) fn within(limit: Duration) -> Self {
        Self { limit, begun: Arc::new(Mutex::new(Instant::now())) }
    }

    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    pub(crate) fn begin_anew(&self) {
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// What the future comes to, or nothing when the deadline passes first.
    pub(crate) async fn met_by<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = std::pin::pin!(future);
        loop {
            let end = self.end();
            match tokio::time::timeout_at(end, &mut future).await {
                Ok(outcome) => return Some(outcome),
                Err(_) if self.end() > end => {}
                Err(_) => return None,
            }
        }
    }

    fn end(&self) -> Instant {
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) + self.limit
    }
}

impl Default for Deadline {
    fn default() -> Self {
        Self::within(crate::settings::case_timeout())
    }
}
