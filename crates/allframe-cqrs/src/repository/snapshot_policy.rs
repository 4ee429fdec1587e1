use std::{num::NonZeroU64, time::Duration};

/// When a [`Repository`](crate::Repository) takes a snapshot of an aggregate it has just appended to.
///
/// ```
/// use std::time::Duration;
/// use allframe_cqrs::SnapshotPolicy;
///
/// let policy = SnapshotPolicy::after_events(100).or(SnapshotPolicy::load_slower_than(Duration::from_millis(20)));
/// assert!(policy.is_due(100, Duration::ZERO));
/// assert!(policy.is_due(1, Duration::from_millis(21)));
/// assert!(!policy.is_due(99, Duration::from_millis(1)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotPolicy(Vec<Rule>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    AfterEvents(NonZeroU64),
    LoadSlowerThan(Duration),
}

impl SnapshotPolicy {
    /// No snapshots are taken; those that are there are used.
    #[must_use]
    pub fn never() -> Self {
        Self::default()
    }

    /// A snapshot when this many events, at least one, have come since the last.
    #[must_use]
    pub fn after_events(events: u64) -> Self {
        Self(vec![Rule::AfterEvents(NonZeroU64::new(events).unwrap_or(NonZeroU64::MIN))])
    }

    /// A snapshot when loading the aggregate took longer than this, and an event has come since the last.
    #[must_use]
    pub fn load_slower_than(time: Duration) -> Self {
        Self(vec![Rule::LoadSlowerThan(time)])
    }

    /// A snapshot when this policy or the other calls for one.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Whether a snapshot is called for, this many events after the last one and when loading took this long.
    #[must_use]
    pub fn is_due(&self, events_since_last: u64, load_time: Duration) -> bool {
        self.0.iter().any(|rule| match *rule {
            Rule::AfterEvents(events) => events_since_last >= events.get(),
            Rule::LoadSlowerThan(limit) => events_since_last > 0 && load_time > limit,
        })
    }
}
