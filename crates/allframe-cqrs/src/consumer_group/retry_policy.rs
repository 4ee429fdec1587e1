use std::time::Duration;

use crate::Backoff;

/// How often an event is delivered, and how long it waits in between, before it is parked.
///
/// ```
/// use std::time::Duration;
/// use allframe_cqrs::consumer_group::RetryPolicy;
///
/// let policy = RetryPolicy::new(5).with_backoff(Duration::from_secs(1), Duration::from_secs(3));
/// let waits: Vec<u64> = (1..5).map(|failures| policy.wait_after(failures).as_secs()).collect();
/// assert_eq!(waits, [1, 2, 3, 3]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    max_attempts: u32,
    backoff: Backoff,
}

impl RetryPolicy {
    /// At most this many deliveries, at least one, with waits of 100 ms, 200 ms, 400 ms and so on, up to 30 s.
    #[must_use]
    pub const fn new(max_attempts: u32) -> Self {
        Self {
            max_attempts: if max_attempts == 0 { 1 } else { max_attempts },
            backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(30)),
        }
    }

    /// The same policy, which waits so long after the first failure, and after each further one twice as long, up to a
    /// bound.
    #[must_use]
    pub const fn with_backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.backoff = Backoff::new(first, longest);
        self
    }

    /// How often an event is delivered at most before it is parked.
    #[must_use]
    pub const fn max_attempts(&self) -> u32 {
        self.max_attempts
    }

    /// How long an event waits that has failed so often.
    #[must_use]
    pub fn wait_after(&self, failures: u32) -> Duration {
        self.backoff.wait_after(failures)
    }
}

/// Five deliveries, with the waits of [`RetryPolicy::new`].
impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new(5)
    }
}
