use std::{any::Any, sync::Arc};

use async_trait::async_trait;

use super::super::{
    ProjectionError, Rebuild,
    running::{Running, Task},
};

/// A projection that runs, whose read model is in a database.
pub(super) struct OutsideRunning {
    pub(super) task: Task,
}

#[async_trait]
impl Running for OutsideRunning {
    fn task(&self) -> &Task {
        &self.task
    }

    async fn resume(&self) -> Result<(), ProjectionError> {
        self.task.resume().await
    }

    async fn close(&self) -> Result<(), ProjectionError> {
        self.task.close().await
    }

    /// There is one place for the rows, and readers that know nothing of us look at it: a new read model is built beside.
    fn begin_rebuild(&self) -> Result<Rebuild, ProjectionError> {
        Err(ProjectionError::CannotRebuild { name: self.task.name.to_string() })
    }

    fn rebuild(&self) -> Option<Rebuild> {
        None
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}
