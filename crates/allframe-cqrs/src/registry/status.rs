use std::time::Duration;

use eventstore_api::{GlobalPosition, Timestamp};
use tokio::time::Instant;

use super::{ProjectionFault, RebuildProgress};

/// How a projection does.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProjectionStatus {
    /// Its name.
    pub name: String,
    /// The version of what it does, under which its state is kept.
    pub version: u32,
    /// What it is doing.
    pub state: ProjectionState,
    /// Every event up to here has been applied.
    pub position: GlobalPosition,
    /// The last event of the store, of whatever type.
    pub head: GlobalPosition,
    /// How many positions lie between the two: as many as events of all types, in a store whose positions have no holes, as
    /// those of this project are.
    pub lag_events: u64,
    /// How old the last event is that was applied, while there are more; zero for a projection that is up to date.
    pub lag: Duration,
    /// How many events were applied a second, over the last one or two.
    pub events_per_second: f64,
    /// How many events were applied since it was registered in this process.
    pub events_applied: u64,
    /// Up to where the state is stored; `None` where it is not kept, or was not yet.
    pub stored: Option<GlobalPosition>,
    /// How many events it has skipped, by policy, since it was registered in this process.
    pub events_skipped: u64,
    /// How many events are parked.
    pub events_parked: usize,
    /// What went wrong last, also where it went well after that.
    pub last_error: Option<ProjectionFault>,
    /// The last time its state was built beside the one that served, in this process, or how far that is.
    pub rebuild: Option<RebuildProgress>,
}

/// What a projection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProjectionState {
    /// It applies what is stored already.
    CatchingUp,
    /// It has applied everything, and waits for more.
    Live,
    /// It waits before it tries an event again that has failed.
    Retrying,
    /// It was told to wait.
    Paused,
    /// Its state is built for the first time, beside one that serves meanwhile: that of an older version, or an empty one where
    /// several workers build it. [`ProjectionStatus::rebuild`] tells how far it is.
    Replacing,
    /// It has stopped at an event that it could not take in.
    Stopped,
    /// It runs no more.
    Closed,
}

impl ProjectionState {
    /// Whether it goes on by itself.
    pub(super) fn goes_on(self) -> bool {
        matches!(self, Self::CatchingUp | Self::Live | Self::Retrying | Self::Replacing)
    }
}

/// What a runner tells of itself as it goes on.
#[derive(Clone, Debug)]
pub(super) struct Gauges {
    pub(super) state: ProjectionState,
    pub(super) position: GlobalPosition,
    pub(super) applied: u64,
    pub(super) rate: Rate,
    pub(super) newest: Option<Timestamp>,
    pub(super) stored: Option<GlobalPosition>,
    pub(super) skipped: u64,
    pub(super) parked: usize,
    pub(super) last_error: Option<ProjectionFault>,
}

impl Gauges {
    pub(super) fn new(position: GlobalPosition) -> Self {
        Self {
            state: ProjectionState::CatchingUp,
            position,
            applied: 0,
            rate: Rate::new(),
            newest: None,
            stored: None,
            skipped: 0,
            parked: 0,
            last_error: None,
        }
    }
}

/// Events a second, counted over a second or more.
#[derive(Clone, Debug)]
pub(super) struct Rate {
    since: Instant,
    events: u64,
    last: f64,
}

const WINDOW: Duration = Duration::from_secs(1);

impl Rate {
    fn new() -> Self {
        Self { since: Instant::now(), events: 0, last: 0.0 }
    }

    pub(super) fn add(&mut self, events: u64) {
        self.events += events;
        if self.since.elapsed() >= WINDOW {
            *self = Self { since: Instant::now(), events: 0, last: self.over_window() };
        }
    }

    pub(super) fn per_second(&self) -> f64 {
        // The first window of all counts before it is over: a short run has a rate too.
        if self.since.elapsed() >= WINDOW || self.last == 0.0 { self.over_window() } else { self.last }
    }

    #[expect(clippy::cast_precision_loss, reason = "events of some seconds are far below 2^52")]
    fn over_window(&self) -> f64 {
        let seconds = self.since.elapsed().as_secs_f64();
        if seconds > 0.0 { self.events as f64 / seconds } else { 0.0 }
    }
}
