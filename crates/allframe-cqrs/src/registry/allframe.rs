//! What AllFrame's registry has under other names.

use std::time::{Duration, SystemTime};

use eventstore_api::EventStoreBackend;

use super::{ProjectionError, ProjectionRegistry, RebuildState, running::Running};
use crate::Event;

/// Where a projection is, as AllFrame tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectionPosition {
    /// The number of the [position](crate::GlobalPosition) up to which every event has been applied.
    pub version: u64,
    /// When the last of them was appended.
    pub updated_at: SystemTime,
}

/// What AllFrame tells of a projection. [`ProjectionStatus`](super::ProjectionStatus) has more.
#[derive(Clone, Debug)]
pub struct ProjectionMetadata {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub position: ProjectionPosition,
    /// Whether it is being built anew.
    pub rebuilding: bool,
}

impl<E: Event, B: EventStoreBackend> ProjectionRegistry<E, B> {
    /// How one projection does; `None` where there is none of the name.
    #[expect(clippy::unused_async, reason = "AllFrame's callers await it")]
    pub async fn get_metadata(&self, name: &str) -> Option<ProjectionMetadata> {
        self.named(name).ok().map(|projection| metadata_of(&*projection))
    }

    /// How all projections do, in the order of their names.
    #[expect(clippy::unused_async, reason = "AllFrame's callers await it")]
    pub async fn get_all_metadata(&self) -> Vec<ProjectionMetadata> {
        self.shared.all().iter().map(|projection| metadata_of(&**projection)).collect()
    }

    /// How many projections there are.
    #[expect(clippy::unused_async, reason = "AllFrame's callers await it")]
    pub async fn count(&self) -> usize {
        self.shared.all().len()
    }

    /// Waits until every projection has caught up with what is stored now. They follow by themselves from when they are
    /// registered; where AllFrame began to, this makes sure that they are there.
    ///
    /// # Errors
    ///
    /// As [`ProjectionRegistry::wait_until_caught_up`], which can be given a limit of time.
    pub async fn start_subscription(&self) -> Result<(), ProjectionError> {
        self.wait_until_caught_up(Duration::MAX).await
    }
}

fn metadata_of(projection: &dyn Running) -> ProjectionMetadata {
    let task = projection.task();
    let gauges = task.gauges.borrow();
    let rebuild = projection.rebuild().map(|rebuild| rebuild.progress().state);
    ProjectionMetadata {
        name: task.name.to_string(),
        position: ProjectionPosition {
            version: gauges.position.get(),
            updated_at: gauges.newest.map_or(SystemTime::UNIX_EPOCH, SystemTime::from),
        },
        rebuilding: matches!(rebuild, Some(RebuildState::Running)),
    }
}
