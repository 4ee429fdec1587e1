use std::time::Duration;

use eventstore_api::{EventStoreBackend, GlobalPosition};
use futures_util::future::try_join_all;

use super::{ProjectionError, ProjectionRegistry, ProjectionStatus, Rebuild};
use crate::Event;

impl<E: Event, B: EventStoreBackend> ProjectionRegistry<E, B> {
    /// How all projections do, in the order of their names.
    ///
    /// # Errors
    ///
    /// [`ProjectionError::Store`] when the store cannot say where its end is.
    pub async fn status(&self) -> Result<Vec<ProjectionStatus>, ProjectionError> {
        let all = self.shared.all();
        let head = self.head().await?;
        Ok(all.iter().map(|it| it.task().status(head, it.rebuild().as_ref())).collect())
    }

    /// How one projection does.
    ///
    /// # Errors
    ///
    /// [`ProjectionError::NotRegistered`], or as [`ProjectionRegistry::status`].
    pub async fn status_of(&self, name: &str) -> Result<ProjectionStatus, ProjectionError> {
        let projection = self.named(name)?;
        let head = self.head().await?;
        Ok(projection.task().status(head, projection.rebuild().as_ref()))
    }

    /// Waits until every projection has applied everything up to a position.
    ///
    /// Dropping the future early changes nothing.
    ///
    /// # Errors
    ///
    /// For the first that did not come there, [`ProjectionError::TimedOut`]; at once [`ProjectionError::Stopped`],
    /// [`ProjectionError::Paused`] or [`ProjectionError::Closed`] for one that does not go on by itself.
    pub async fn wait_until(
        &self,
        position: GlobalPosition,
        timeout: Duration,
    ) -> Result<(), ProjectionError> {
        let all = self.shared.all();
        try_join_all(all.iter().map(|it| it.task().wait_until_within(position, timeout))).await?;
        Ok(())
    }

    /// Waits until one projection has applied everything up to a position, as before its read model in a database is read.
    ///
    /// Dropping the future early changes nothing.
    ///
    /// # Errors
    ///
    /// [`ProjectionError::NotRegistered`], or as [`ProjectionRegistry::wait_until`].
    pub async fn wait_for(
        &self,
        name: &str,
        position: GlobalPosition,
        timeout: Duration,
    ) -> Result<(), ProjectionError> {
        self.named(name)?.task().wait_until_within(position, timeout).await
    }

    /// Waits until every projection has applied everything that is stored now.
    ///
    /// # Errors
    ///
    /// As [`ProjectionRegistry::wait_until`], and [`ProjectionError::Store`] when the store cannot say where its end is.
    pub async fn wait_until_caught_up(&self, timeout: Duration) -> Result<(), ProjectionError> {
        let head = self.head().await?;
        self.wait_until(head, timeout).await
    }

    /// Has a projection apply nothing until it is resumed. When this returns, its state stands still and is stored, where it
    /// could be ([`ProjectionRegistry::status`] tells how far it is); it goes on being readable.
    ///
    /// # Errors
    ///
    /// [`ProjectionError::NotRegistered`], or [`ProjectionError::Closed`].
    pub async fn pause(&self, name: &str) -> Result<(), ProjectionError> {
        self.named(name)?.task().pause().await
    }

    /// Has a projection go on that was paused or has stopped: at the event where it stands, which has all its attempts again.
    ///
    /// # Errors
    ///
    /// As [`ProjectionRegistry::pause`].
    pub async fn resume(&self, name: &str) -> Result<(), ProjectionError> {
        self.named(name)?.resume().await
    }

    /// Builds the state of a projection anew from history, and waits for it; the position of the new state when it began to
    /// serve. The old one serves until then, and goes on doing so when this fails.
    ///
    /// Dropping the future early does not stop it.
    ///
    /// # Errors
    ///
    /// As [`ProjectionRegistry::begin_rebuild`] and [`Rebuild::finished`].
    pub async fn rebuild(&self, name: &str) -> Result<GlobalPosition, ProjectionError> {
        self.begin_rebuild(name)?.finished().await
    }

    /// Builds the states of all projections anew, one after the other.
    ///
    /// # Errors
    ///
    /// As [`ProjectionRegistry::rebuild`], for the first that failed; those after it are left as they are.
    pub async fn rebuild_all(&self) -> Result<(), ProjectionError> {
        for name in self.names() {
            self.rebuild(&name).await?;
        }
        Ok(())
    }

    /// Begins to build the state of a projection anew from history, in a task of its own beside the one that goes on.
    ///
    /// It comes as far as the state that serves is by then, and takes its place at once: a projection that has stopped, or
    /// is paused, stands where it stood. Events have no effects while it is built. Where that is being done already, this is that.
    ///
    /// # Errors
    ///
    /// [`ProjectionError::NotRegistered`], [`ProjectionError::CannotRebuild`] where it was registered as a value or its read
    /// model is in a database, [`ProjectionError::Closed`], or [`ProjectionError::NoRuntime`].
    pub fn begin_rebuild(&self, name: &str) -> Result<Rebuild, ProjectionError> {
        self.named(name)?.begin_rebuild()
    }

    /// Stores the states of all projections as they are now, beside the times when that is done by itself. One with effects that
    /// have failed and are still due is not stored, as they would be lost with the process.
    ///
    /// # Errors
    ///
    /// [`ProjectionError::Store`] for the first that could not be stored, or [`ProjectionError::Closed`].
    pub async fn save(&self) -> Result<(), ProjectionError> {
        try_join_all(self.shared.all().iter().map(|it| it.task().save())).await?;
        Ok(())
    }

    /// Stores the states of all projections and ends their tasks, rebuilds too. The states stay readable where they are. Closing twice does
    /// nothing more.
    ///
    /// # Errors
    ///
    /// [`ProjectionError::Store`] for the first whose state could not be stored. All end nonetheless, and what was not stored
    /// will be applied again.
    pub async fn close(&self) -> Result<(), ProjectionError> {
        let mut outcome = Ok(());
        for projection in self.shared.all() {
            outcome = outcome.and(projection.close().await);
        }
        outcome
    }

    async fn head(&self) -> Result<GlobalPosition, ProjectionError> {
        self.store.backend().head().await.map_err(|error| {
            let name = self.names().join(", ");
            ProjectionError::Store { name, source: error.into() }
        })
    }
}
