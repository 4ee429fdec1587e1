use std::{any::Any, sync::Arc, time::Duration};

use async_trait::async_trait;
use eventstore_api::GlobalPosition;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time,
};

use super::{ProjectionError, ProjectionState, ProjectionStatus, Rebuild, runner::Command, status::Gauges};
use crate::{Error, Result};

/// A projection that runs, whatever its type.
#[async_trait]
pub(super) trait Running: Send + Sync + 'static {
    fn task(&self) -> &Task;

    async fn resume(&self) -> Result<(), ProjectionError>;

    /// Stores the state and ends all tasks.
    async fn close(&self) -> Result<(), ProjectionError>;

    /// Builds the state anew beside the one that serves; where that is being done already, it is that.
    fn begin_rebuild(&self) -> Result<Rebuild, ProjectionError>;

    /// The last one, or the one that is under way.
    fn rebuild(&self) -> Option<Rebuild>;

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

/// The way to the task that runs a projection.
pub(super) struct Task {
    pub(super) name: Arc<str>,
    pub(super) version: u32,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) gauges: watch::Receiver<Gauges>,
}

impl Task {
    pub(super) fn closed(&self) -> ProjectionError {
        ProjectionError::Closed { name: self.name.to_string() }
    }

    pub(super) async fn pause(&self) -> Result<(), ProjectionError> {
        self.tell(Command::Pause).await
    }

    pub(super) async fn resume(&self) -> Result<(), ProjectionError> {
        self.tell(Command::Resume).await
    }

    pub(super) async fn save(&self) -> Result<(), ProjectionError> {
        self.tell(Command::Save).await?.map_err(|source| self.store_error(source))
    }

    /// Where it is closed already, that is well too.
    pub(super) async fn close(&self) -> Result<(), ProjectionError> {
        match self.tell(Command::Close).await {
            Ok(saved) => saved.map_err(|source| self.store_error(source)),
            Err(_) => Ok(()),
        }
    }

    pub(super) fn store_error(&self, source: Error) -> ProjectionError {
        ProjectionError::Store { name: self.name.to_string(), source }
    }

    async fn tell<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, ProjectionError> {
        let (done, answer) = oneshot::channel();
        self.commands.send(command(done)).await.map_err(|_| self.closed())?;
        answer.await.map_err(|_| self.closed())
    }

    /// Waits until everything up to a position is applied.
    pub(super) async fn wait_until(&self, wanted: GlobalPosition) -> Result<(), ProjectionError> {
        let mut gauges = self.gauges.clone();
        let reached = gauges.wait_for(|gauges| gauges.position >= wanted || !gauges.state.goes_on());
        let reached = reached.await.map_err(|_| self.closed())?;
        if reached.position >= wanted {
            return Ok(());
        }
        let source = match (reached.state, &reached.last_error) {
            (ProjectionState::Closed, _) => return Err(self.closed()),
            (ProjectionState::Paused, _) | (_, None) => {
                return Err(ProjectionError::Paused { name: self.name.to_string() });
            }
            (_, Some(fault)) => Box::new(fault.clone()),
        };
        Err(ProjectionError::Stopped { name: self.name.to_string(), source })
    }

    pub(super) async fn wait_until_within(
        &self,
        wanted: GlobalPosition,
        timeout: Duration,
    ) -> Result<(), ProjectionError> {
        time::timeout(timeout, self.wait_until(wanted)).await.unwrap_or_else(|_| {
            let (name, position) = (self.name.to_string(), self.gauges.borrow().position);
            Err(ProjectionError::TimedOut { name, wanted, position, timeout })
        })
    }

    pub(super) fn status(&self, head: GlobalPosition, rebuild: Option<&Rebuild>) -> ProjectionStatus {
        let mut gauges = self.gauges.borrow().clone();
        if self.gauges.has_changed().is_err() {
            // Its task has ended, perhaps by a panic where none is caught.
            gauges.state = ProjectionState::Closed;
        }
        let lag_events = head.get().saturating_sub(gauges.position.get());
        let age = |moment: eventstore_api::Timestamp| {
            let micros = eventstore_api::Timestamp::now().as_micros().saturating_sub(moment.as_micros());
            Duration::from_micros(u64::try_from(micros).unwrap_or_default())
        };
        ProjectionStatus {
            name: self.name.to_string(),
            version: self.version,
            state: gauges.state,
            position: gauges.position,
            head,
            lag_events,
            lag: gauges.newest.filter(|_| lag_events > 0).map(age).unwrap_or_default(),
            events_per_second: gauges.rate.per_second(),
            events_applied: gauges.applied,
            stored: gauges.stored,
            events_skipped: gauges.skipped,
            events_parked: gauges.parked,
            last_error: gauges.last_error,
            rebuild: rebuild.map(Rebuild::progress),
        }
    }
}
