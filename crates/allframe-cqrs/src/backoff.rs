use std::time::Duration;

/// How long to wait between two attempts: twice as long after every failure, up to a longest.
///
/// ```
/// use std::time::Duration;
/// use allframe_cqrs::Backoff;
///
/// let backoff = Backoff::new(Duration::from_millis(10), Duration::from_millis(35));
/// let waits: Vec<u128> = (1..=4).map(|failures| backoff.wait_after(failures).as_millis()).collect();
/// assert_eq!(waits, [10, 20, 35, 35]);
/// assert!(backoff.with_jitter().wait_after(2) <= Duration::from_millis(20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    jitter: Jitter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Jitter {
    None,
    Full,
}

impl Backoff {
    /// So long after the first failure, twice that after the second and so on, but never more than a longest.
    #[must_use]
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, jitter: Jitter::None }
    }

    /// No waiting.
    #[must_use]
    pub const fn none() -> Self {
        Self::new(Duration::ZERO, Duration::ZERO)
    }

    /// The same, but each wait is any part of what it would be, so that those who failed together do not come back together.
    #[must_use]
    pub const fn with_jitter(mut self) -> Self {
        self.jitter = Jitter::Full;
        self
    }

    /// How long to wait after so many failures in a row, from 1.
    #[must_use]
    pub fn wait_after(&self, failures: u32) -> Duration {
        let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        let wait = self.first.saturating_mul(doubled).min(self.longest);
        match self.jitter {
            Jitter::None => wait,
            Jitter::Full => wait.mul_f64(fastrand::f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_never_overflows_and_stays_under_the_longest() {
        let backoff = Backoff::new(Duration::from_secs(u64::MAX / 2), Duration::from_secs(7));
        assert_eq!(backoff.wait_after(u32::MAX), Duration::from_secs(7));
        assert_eq!(Backoff::none().wait_after(u32::MAX), Duration::ZERO);
        assert_eq!(
            Backoff::new(Duration::from_millis(3), Duration::MAX).wait_after(0),
            Duration::from_millis(3)
        );
    }

    #[test]
    fn jitter_spreads_the_waits() {
        let backoff = Backoff::new(Duration::from_secs(8), Duration::from_secs(8)).with_jitter();
        let waits: Vec<_> = (0..100).map(|_| backoff.wait_after(1)).collect();
        assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(8)));
        assert!(waits.iter().any(|wait| *wait < Duration::from_secs(4)));
        assert!(waits.iter().any(|wait| *wait > Duration::from_secs(4)));
    }
}
