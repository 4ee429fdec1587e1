use std::time::{Duration, Instant};

use crate::Durability;

/// How many appends take about as long without the sync as the sync does.
const MANY: usize = 100;

/// A shorter interval is not kept: it would be without end.
const SHORTEST: Duration = Duration::from_millis(1);

/// How appends come and go, so that those who were just answered get into the next batch together.
#[derive(Debug)]
pub(super) struct Rhythm {
    answered: usize,
    answered_at: Instant,
    /// When the engine was last looked after.
    flushed_at: Instant,
    /// How long a commit takes, smoothed.
    commit: Duration,
    /// Nothing was appended since the engine was looked after.
    pub(super) is_idle: bool,
    /// The engine takes nothing more.
    pub(super) is_over: bool,
}

impl Rhythm {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            answered: 0,
            answered_at: now,
            flushed_at: now,
            commit: Duration::ZERO,
            is_idle: false,
            is_over: false,
        }
    }

    /// Whether what was appended has waited long enough to become durable, also where there is always something to do.
    pub(super) fn is_due(&self, durability: Durability) -> bool {
        matches!(durability, Durability::Interval(interval) if self.until_due(interval).is_zero())
    }

    /// How long it is until then.
    pub(super) fn until_due(&self, interval: Duration) -> Duration {
        interval.max(SHORTEST).saturating_sub(self.flushed_at.elapsed())
    }

    /// The engine was looked after, because nothing was to be done or although something was.
    pub(super) fn flushed(&mut self, is_idle: bool) {
        self.flushed_at = Instant::now();
        self.is_idle = is_idle;
    }

    pub(super) fn answered(&mut self, count: usize, began: Instant) {
        if count == 0 {
            return;
        }
        let now = Instant::now();
        self.answered = count;
        self.answered_at = now;
        self.commit = (self.commit * 7 + (now - began)) / 8;
        self.is_idle = false;
    }

    /// How many appends to wait for, and until when: those who were answered come back, or they do not within a
    /// fraction of what a commit takes. Of many, half are enough: the others come back during the next sync, and from then
    /// on one half is at work while the other is synced.
    pub(super) fn expectation(&mut self) -> (usize, Instant) {
        let answered = std::mem::take(&mut self.answered);
        let expected = if answered < MANY { answered } else { answered / 2 };
        (expected, self.answered_at + self.commit / 2)
    }
}
