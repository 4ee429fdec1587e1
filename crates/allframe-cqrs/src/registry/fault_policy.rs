use std::{num::NonZeroU32, time::Duration};

use crate::Backoff;

/// What becomes of an event that a projection does not take in: how often it is tried, and what then.
///
/// An event fails when `apply` panics, when `try_apply` answers an error, when what it asked to be done outside fails, or
/// when it cannot be read. Between two attempts other projections run on, and this one shows the state before the event.
///
/// ```
/// use std::time::Duration;
/// use allframe_cqrs::{FaultPolicy, OnFault};
///
/// let policy = FaultPolicy::park().with_attempts(5).with_backoff(Duration::from_millis(20), Duration::from_secs(1));
/// assert_eq!(policy.on_fault(), OnFault::Park);
/// assert_eq!(FaultPolicy::default(), FaultPolicy::stop());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultPolicy {
    attempts: NonZeroU32,
    backoff: Backoff,
    on_fault: OnFault,
}

/// What becomes of an event when all attempts have failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnFault {
    /// The projection stops before the event, its state readable, until it is resumed.
    #[default]
    Stop,
    /// The projection goes on without the event, and counts it.
    Skip,
    /// The projection goes on without the event, and keeps its position and the reason with the state, to be listed.
    Park,
}

impl FaultPolicy {
    const DEFAULT_ATTEMPTS: NonZeroU32 = NonZeroU32::MIN.saturating_add(2);

    /// Three attempts, the second after 100 ms and the third after 200, and then the projection stops.
    #[must_use]
    pub const fn stop() -> Self {
        Self {
            attempts: Self::DEFAULT_ATTEMPTS,
            backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(10)),
            on_fault: OnFault::Stop,
        }
    }

    /// The same, but then the projection goes on without the event.
    #[must_use]
    pub const fn skip() -> Self {
        Self { on_fault: OnFault::Skip, ..Self::stop() }
    }

    /// The same, but then the event is parked, and the projection goes on without it.
    #[must_use]
    pub const fn park() -> Self {
        Self { on_fault: OnFault::Park, ..Self::stop() }
    }

    /// The same policy with so many attempts, at least one.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = NonZeroU32::new(attempts).unwrap_or(NonZeroU32::MIN);
        self
    }

    /// The same policy with this wait before the second attempt, twice that before the third and so on, up to a longest.
    #[must_use]
    pub const fn with_backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.backoff = Backoff::new(first, longest);
        self
    }

    /// What happens when all attempts have failed.
    #[must_use]
    pub const fn on_fault(&self) -> OnFault {
        self.on_fault
    }

    /// What to do after so many failed attempts.
    pub(super) fn after(&self, failed_attempts: u32) -> Next {
        match failed_attempts < self.attempts.get() {
            true => Next::RetryAfter(self.backoff(failed_attempts)),
            false => Next::GiveUp(self.on_fault),
        }
    }

    /// How long to wait where something outside does not answer that will be asked for ever.
    pub(super) fn backoff(&self, failed_attempts: u32) -> Duration {
        self.backoff.wait_after(failed_attempts)
    }
}

impl Default for FaultPolicy {
    fn default() -> Self {
        Self::stop()
    }
}

/// What a policy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    RetryAfter(Duration),
    GiveUp(OnFault),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_end_with_the_attempts() {
        let (first, longest) = (Duration::from_millis(10), Duration::from_millis(35));
        let policy = FaultPolicy::skip().with_attempts(5).with_backoff(first, longest);
        let waits: Vec<_> = (1..=5).map(|failed| policy.after(failed)).collect();
        assert_eq!(
            waits,
            [
                Next::RetryAfter(first),
                Next::RetryAfter(first * 2),
                Next::RetryAfter(longest),
                Next::RetryAfter(longest),
                Next::GiveUp(OnFault::Skip)
            ]
        );
        assert_eq!(policy.backoff(u32::MAX), longest);
    }
}
