use std::{fmt, sync::Arc, time::Duration};

use eventstore_api::GlobalPosition;

use super::{
    ProjectionError, ProjectionStatus, Rebuild, View, running::Running, state_projection::StateProjection,
};
use crate::Projection;

/// A projection that runs, by its type. It can be handed to whoever asks the read model, and keeps it running.
pub struct ProjectionHandle<P: Projection> {
    pub(super) projection: Arc<StateProjection<P>>,
}

impl<P: Projection + 'static> ProjectionHandle<P> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.projection.task.name
    }

    /// Looks at the state, as it is after exactly the events up to a position.
    ///
    /// Waits while events are applied, and as long as its [`Consistency`](super::Consistency) asks for. Dropping the future
    /// early changes nothing.
    ///
    /// # Errors
    ///
    /// [`ProjectionError::HalfApplied`], for a projection that was registered as a value alone. Where a read waits for what is
    /// stored: as [`ProjectionHandle::wait_until`], and [`ProjectionError::Store`].
    pub async fn read(&self) -> Result<View<P>, ProjectionError> {
        self.projection.view().await
    }

    /// Looks at the state once everything up to a position is applied, as that of an append of one's own.
    ///
    /// # Errors
    ///
    /// As [`ProjectionHandle::wait_until`], and [`ProjectionHandle::read`].
    pub async fn read_at(
        &self,
        position: GlobalPosition,
        timeout: Duration,
    ) -> Result<View<P>, ProjectionError> {
        self.wait_until(position, timeout).await?;
        self.read().await
    }

    /// Waits until everything up to a position is applied.
    ///
    /// Dropping the future early changes nothing.
    ///
    /// # Errors
    ///
    /// [`ProjectionError::TimedOut`]; at once [`ProjectionError::Stopped`], [`ProjectionError::Paused`] or
    /// [`ProjectionError::Closed`] where it does not go on by itself.
    pub async fn wait_until(
        &self,
        position: GlobalPosition,
        timeout: Duration,
    ) -> Result<(), ProjectionError> {
        self.projection.task.wait_until_within(position, timeout).await
    }

    /// How it does.
    ///
    /// # Errors
    ///
    /// [`ProjectionError::Store`] when the store cannot say where its end is.
    pub async fn status(&self) -> Result<ProjectionStatus, ProjectionError> {
        let task = &self.projection.task;
        let head = self.projection.feed.backend().head().await;
        let head = head.map_err(|error| task.store_error(error.into()))?;
        Ok(task.status(head, self.projection.rebuild().as_ref()))
    }

    /// Builds the state anew beside this one. See [`ProjectionRegistry::begin_rebuild`](super::ProjectionRegistry::begin_rebuild).
    ///
    /// # Errors
    ///
    /// [`ProjectionError::CannotRebuild`] where it was registered as a value; [`ProjectionError::Closed`];
    /// [`ProjectionError::NoRuntime`].
    pub fn begin_rebuild(&self) -> Result<Rebuild, ProjectionError> {
        self.projection.begin_rebuild()
    }
}

impl<P: Projection> Clone for ProjectionHandle<P> {
    fn clone(&self) -> Self {
        Self { projection: Arc::clone(&self.projection) }
    }
}

impl<P: Projection> fmt::Debug for ProjectionHandle<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task = &self.projection.task;
        f.debug_struct("ProjectionHandle").field("name", &task.name).finish_non_exhaustive()
    }
}
