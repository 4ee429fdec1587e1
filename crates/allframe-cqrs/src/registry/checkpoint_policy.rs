use std::time::{Duration, Instant};

/// How often a projection's state is stored.
///
/// What has been applied since the last time is applied again after a crash, to the state that was stored: the state never
/// holds an event twice. So this weighs the time to store a state against the time to catch up. It is stored when one of
/// the two is reached, and when the projection is paused, rebuilt or closed; but storing takes a twentieth of the time at
/// most, however large the state.
///
/// ```
/// use std::time::Duration;
/// use allframe_cqrs::CheckpointPolicy;
///
/// let often = CheckpointPolicy::default().with_events(100).with_interval(Duration::from_millis(50));
/// assert_ne!(often, CheckpointPolicy::default());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointPolicy {
    pub(super) events: u64,
    pub(super) interval: Duration,
}

/// So many times as long as storing takes, at least, nothing is stored.
const REST: u32 = 20;
/// And so long where it could not be stored, however soon another try would be due: a runner that tries at once does nothing else.
const LEAST_REST: Duration = Duration::from_millis(100);

impl CheckpointPolicy {
    /// The same policy, which stores after so many events at the latest; at least one.
    #[must_use]
    pub fn with_events(mut self, events: u64) -> Self {
        self.events = events.max(1);
        self
    }

    /// The same policy, which stores so long after a change at the latest.
    #[must_use]
    pub const fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }
}

impl Default for CheckpointPolicy {
    /// After 100,000 events, or a second.
    fn default() -> Self {
        Self { events: 100_000, interval: Duration::from_secs(1) }
    }
}

/// What a policy is asked with.
#[derive(Debug)]
pub(super) struct SinceCheckpoint {
    policy: CheckpointPolicy,
    events: u64,
    /// When the first of them was applied.
    dirty_since: Option<Instant>,
    /// Whether the position has moved, if only past events of other types.
    has_moved: bool,
    not_before: Instant,
}

impl SinceCheckpoint {
    pub(super) fn new(policy: CheckpointPolicy) -> Self {
        Self { policy, events: 0, dirty_since: None, has_moved: false, not_before: Instant::now() }
    }

    pub(super) fn applied(&mut self, events: u64) {
        self.has_moved = true;
        if events > 0 {
            self.events += events;
            self.dirty_since.get_or_insert_with(Instant::now);
        }
    }

    /// Whether there is anything that is not stored, if only the position.
    pub(super) fn is_dirty(&self) -> bool {
        self.has_moved
    }

    /// When to store; never, where the state has not changed.
    pub(super) fn due(&self) -> Option<Instant> {
        let since = self.dirty_since?;
        let wanted = match self.events >= self.policy.events {
            true => since,
            // An interval beyond all clocks: never, but for the events.
            false => since.checked_add(self.policy.interval)?,
        };
        Some(wanted.max(self.not_before))
    }

    /// Everything so far is stored, which took so long; or it was tried, and is not to be tried again at once.
    pub(super) fn stored(&mut self, took: Duration) {
        *self = Self { not_before: Instant::now() + took * REST, ..Self::new(self.policy) };
    }

    /// Storing has failed; there will be another try.
    pub(super) fn not_stored(&mut self, took: Duration) {
        let (now, rest) = (Instant::now(), (took * REST).max(LEAST_REST));
        self.not_before = now.checked_add(rest.max(self.policy.interval)).unwrap_or(now + rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_beyond_all_clocks_leaves_the_number_of_events_to_decide() {
        let policy = CheckpointPolicy::default().with_events(2).with_interval(Duration::MAX);
        let mut since = SinceCheckpoint::new(policy);
        since.applied(1);
        assert_eq!(since.due(), None);
        since.applied(1);
        assert!(since.due().is_some_and(|due| due <= Instant::now()));
        since.not_stored(Duration::ZERO);
        assert!(since.due().is_some_and(|due| due <= Instant::now() + LEAST_REST));
    }

    #[test]
    fn what_could_not_be_stored_is_not_tried_again_at_once() {
        let policy = CheckpointPolicy::default().with_events(1).with_interval(Duration::ZERO);
        let mut since = SinceCheckpoint::new(policy);
        since.applied(1);
        let before = Instant::now();
        since.not_stored(Duration::ZERO);
        assert!(since.due().is_some_and(|due| due >= before + LEAST_REST));
    }
}
