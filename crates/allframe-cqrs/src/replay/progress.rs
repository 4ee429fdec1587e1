use std::time::Duration;

use eventstore_api::GlobalPosition;
use tokio::{sync::watch, time::Instant};

/// How a replay is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayState {
    /// It reads, hands out, or waits for the time at which the next event is due.
    Running,
    /// It stands between two events until it is resumed.
    Paused,
    /// It was stopped before its end.
    Cancelled,
    /// Everything in its range is done.
    Finished,
    /// It stopped at an error, which awaiting it tells.
    Failed,
}

impl ReplayState {
    /// Whether nothing more is going to happen.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Cancelled | Self::Finished | Self::Failed)
    }
}

/// How far a replay has come.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReplayProgress {
    /// How it is doing.
    pub state: ReplayState,
    /// Every event up to here is done, or was not asked for.
    pub position: GlobalPosition,
    /// How many events were taken in.
    pub events: u64,
    /// For how long it had run when any of this changed last, the time in which it was paused left out.
    pub running_for: Duration,
    share: Option<f64>,
}

impl ReplayProgress {
    /// The share of the range that lies behind it, from 0 to 1, estimated from positions as if they were dense; `None`
    /// where the end is not known before it is met: that of a moment.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        self.share
    }

    /// How many events were taken in a second, since the beginning; zero as long as no time has passed.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 53 bits")]
    pub fn events_per_second(&self) -> f64 {
        if self.running_for.is_zero() { 0.0 } else { self.events as f64 / self.running_for.as_secs_f64() }
    }
}

/// Where a replay tells how far it has come.
pub(super) struct ProgressReport {
    published: watch::Sender<ReplayProgress>,
    start: GlobalPosition,
    end: Option<GlobalPosition>,
    /// Since when it has run, as if it had never been paused.
    running_since: Instant,
    paused_at: Option<Instant>,
}

impl ProgressReport {
    pub(super) fn new(start: GlobalPosition) -> Self {
        let progress = ReplayProgress {
            state: ReplayState::Running,
            position: start,
            events: 0,
            running_for: Duration::ZERO,
            share: None,
        };
        let published = watch::Sender::new(progress);
        Self { published, start, end: None, running_since: Instant::now(), paused_at: None }
    }

    pub(super) fn watch(&self) -> watch::Receiver<ReplayProgress> {
        self.published.subscribe()
    }

    pub(super) fn now(&self) -> ReplayProgress {
        *self.published.borrow()
    }

    pub(super) fn ends_at(&mut self, end: Option<GlobalPosition>) {
        self.end = end;
        self.publish(|_| {});
    }

    pub(super) fn took_in(&self, position: GlobalPosition) {
        self.publish(|progress| {
            progress.events += 1;
            progress.position = position;
        });
    }

    pub(super) fn passed(&self, position: GlobalPosition) {
        self.publish(|progress| progress.position = position);
    }

    pub(super) fn paused(&mut self) {
        self.paused_at = Some(Instant::now());
        self.publish(|progress| progress.state = ReplayState::Paused);
    }

    /// Ends a pause, and says how long it was.
    pub(super) fn resumed(&mut self) -> Duration {
        let paused = self.paused_at.take().map_or(Duration::ZERO, |at| at.elapsed());
        self.running_since = self.running_since.checked_add(paused).unwrap_or(self.running_since);
        self.publish(|progress| progress.state = ReplayState::Running);
        paused
    }

    pub(super) fn over(&self, state: ReplayState) {
        self.publish(|progress| progress.state = state);
    }

    fn publish(&self, change: impl FnOnce(&mut ReplayProgress)) {
        let running_until = self.paused_at.unwrap_or_else(Instant::now);
        self.published.send_modify(|progress| {
            change(progress);
            progress.running_for = running_until.saturating_duration_since(self.running_since);
            progress.share = match progress.state {
                ReplayState::Finished => Some(1.0),
                _ => self.end.map(|end| share(self.start, progress.position, end)),
            };
        });
    }
}

// A task that is dropped, or a runtime that goes away, must not look as if it ran for ever.
impl Drop for ProgressReport {
    fn drop(&mut self) {
        if !self.now().state.is_over() {
            self.over(ReplayState::Cancelled);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate needs no more than 53 bits")]
fn share(start: GlobalPosition, reached: GlobalPosition, end: GlobalPosition) -> f64 {
    let whole = end.get().saturating_sub(start.get());
    let done = reached.get().saturating_sub(start.get()).min(whole);
    if whole == 0 { 1.0 } else { done as f64 / whole as f64 }
}
