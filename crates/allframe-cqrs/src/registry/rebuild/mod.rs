mod builder;
mod parallel;

use std::{sync::Arc, time::Duration};

pub(super) use builder::Builder;
use eventstore_api::GlobalPosition;
use futures_core::stream::BoxStream;
use tokio::{sync::watch, time::Instant};

use super::{ProjectionError, ProjectionFault};
use crate::updates::updates;

/// A projection that is being built anew, or for the first time by several workers, beside the state that serves.
///
/// It goes on by itself, also where this handle is dropped; any number of handles may look at it.
///
/// ```
/// # use allframe_cqrs::{event, projection, EventStore, Projection, ProjectionRegistry};
/// use futures_util::StreamExt;
///
/// # #[event]
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// # struct Deposited { amount: u64 }
/// # #[projection(name = "rebuilt-turnover", version = 1)]
/// # #[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
/// # struct Turnover { total: u64 }
/// # impl Projection for Turnover {
/// #     type Event = Deposited;
/// #     fn apply(&mut self, event: &Deposited) { self.total += event.amount }
/// # }
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// # let registry = ProjectionRegistry::start(EventStore::<Deposited>::new()).await?;
/// let rebuild = registry.begin_rebuild("rebuilt-turnover")?;
/// let mut updates = rebuild.updates();
/// while let Some(progress) = updates.next().await {
///     println!("{} of {} ({:.0} events/s)", progress.position, progress.target, progress.events_per_second());
/// }
/// rebuild.finished().await?;
/// # Ok::<(), allframe_cqrs::ProjectionError>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Rebuild {
    pub(super) name: Arc<str>,
    pub(super) progress: watch::Receiver<RebuildProgress>,
}

/// How far a rebuild has come.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RebuildProgress {
    /// How it is doing.
    pub state: RebuildState,
    /// Every event up to here has been applied to the new state.
    pub position: GlobalPosition,
    /// Where it is to come to: where the serving state is, which moves on meanwhile.
    pub target: GlobalPosition,
    /// How many events have been applied.
    pub events: u64,
    /// For how long it had run when any of this changed last.
    pub running_for: Duration,
}

/// How a rebuild is doing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RebuildState {
    /// It reads and applies.
    Running,
    /// The new state serves.
    Finished,
    /// The old state goes on serving; where there was none, what was built up to the event that failed.
    Failed(ProjectionFault),
    /// It was broken off with its projection.
    Cancelled,
}

impl RebuildState {
    /// Whether nothing more is going to happen.
    #[must_use]
    pub fn is_over(&self) -> bool {
        !matches!(self, Self::Running)
    }
}

impl RebuildProgress {
    /// How many events were applied in a second, since the beginning; zero as long as no time has passed.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 53 bits")]
    pub fn events_per_second(&self) -> f64 {
        if self.running_for.is_zero() { 0.0 } else { self.events as f64 / self.running_for.as_secs_f64() }
    }

    /// The share that lies behind it, from 0 to 1, estimated from positions as if they were dense.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "an estimate needs no more than 53 bits")]
    pub fn share(&self) -> f64 {
        match self.target.get() {
            0 => 1.0,
            target => (self.position.get() as f64 / target as f64).min(1.0),
        }
    }
}

impl Rebuild {
    /// How far it is now.
    #[must_use]
    pub fn progress(&self) -> RebuildProgress {
        self.progress.borrow().clone()
    }

    /// How far it has come now, and again whenever that changes. Whoever is slow misses what is in between, never the last
    /// one, after which the stream ends.
    #[must_use]
    pub fn updates(&self) -> BoxStream<'static, RebuildProgress> {
        updates(self.progress.clone(), |progress| progress.state.is_over())
    }

    /// How far it is, as soon as that is further; `None` once it has ended and that has been told.
    ///
    /// What comes meanwhile is left out: the answer is always the latest. Dropping the future early loses nothing.
    pub async fn changed(&mut self) -> Option<RebuildProgress> {
        match self.progress.changed().await {
            Ok(()) => Some(self.progress.borrow_and_update().clone()),
            Err(_) => None,
        }
    }

    /// Waits for the end; the position up to which the new state was built when it began to serve.
    ///
    /// Dropping the future early does not stop it.
    ///
    /// # Errors
    ///
    /// [`ProjectionError::RebuildFailed`] with where and why; [`ProjectionError::Closed`] when the registry was closed
    /// meanwhile. Either way the old state goes on serving; see [`RebuildState::Failed`].
    pub async fn finished(mut self) -> Result<GlobalPosition, ProjectionError> {
        let closed = || ProjectionError::Closed { name: self.name.to_string() };
        let ended = self.progress.wait_for(|progress| progress.state.is_over());
        let ended = ended.await.map_err(|_| closed())?;
        match &ended.state {
            RebuildState::Failed(fault) => {
                let (name, source) = (self.name.to_string(), Box::new(fault.clone()));
                Err(ProjectionError::RebuildFailed { name, source })
            }
            RebuildState::Cancelled => Err(closed()),
            RebuildState::Running | RebuildState::Finished => Ok(ended.position),
        }
    }

    pub(super) fn is_running(&self) -> bool {
        !self.progress.borrow().state.is_over()
    }
}

/// Tells how far a rebuild is.
pub(super) struct Reporter {
    progress: watch::Sender<RebuildProgress>,
    begun: Instant,
}

impl Reporter {
    pub(super) fn new(target: GlobalPosition) -> Self {
        let progress = RebuildProgress {
            state: RebuildState::Running,
            position: GlobalPosition::START,
            target,
            events: 0,
            running_for: Duration::ZERO,
        };
        Self { progress: watch::Sender::new(progress), begun: Instant::now() }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<RebuildProgress> {
        self.progress.subscribe()
    }

    fn position(&self) -> GlobalPosition {
        self.progress.borrow().position
    }

    fn come_to(&self, position: GlobalPosition, more_events: u64, target: GlobalPosition) {
        let running_for = self.begun.elapsed();
        self.progress.send_modify(|progress| {
            progress.position = position;
            progress.target = target;
            progress.events += more_events;
            progress.running_for = running_for;
        });
    }

    /// Begins again, as after a way that led nowhere.
    fn start_over(&self) {
        self.progress.send_modify(|progress| {
            (progress.position, progress.events) = (GlobalPosition::START, 0);
        });
    }

    fn ended(&self, state: RebuildState) {
        let running_for = self.begun.elapsed();
        self.progress.send_modify(|progress| (progress.state, progress.running_for) = (state, running_for));
    }
}

impl Drop for Reporter {
    /// Whoever builds may be aborted.
    fn drop(&mut self) {
        if !self.progress.borrow().state.is_over() {
            self.ended(RebuildState::Cancelled);
        }
    }
}
