use std::{
    any::Any,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use eventstore_api::GlobalPosition;
use tokio::{runtime::Handle, task::AbortHandle};

use super::{
    Consistency, FaultPolicy, ProjectionError, ProjectionState, Rebuild, View,
    feed::Feed,
    keeper::Keeper,
    live::Live,
    rebuild::{Builder, Reporter},
    recipe::Recipe,
    runner::Command,
    running::{Running, Task},
};
use crate::Projection;

/// A projection that runs, whose state is in the memory of this process.
pub(super) struct StateProjection<P: Projection> {
    pub(super) task: Task,
    pub(super) live: Live<P>,
    pub(super) recipe: Option<Recipe<P>>,
    pub(super) keeper: Option<Arc<Keeper<P>>>,
    pub(super) feed: Arc<Feed<P::Event>>,
    pub(super) consistency: Consistency,
    pub(super) policy: FaultPolicy,
    pub(super) workers: NonZeroUsize,
    pub(super) rebuilds: Mutex<Rebuilds>,
}

/// What is known of the rebuilds of a projection.
#[derive(Default)]
pub(super) struct Rebuilds {
    last: Option<UnderWay>,
    /// There is to be none any more.
    are_closed: bool,
}

/// The last rebuild, and its task, which ends with the projection.
pub(super) struct UnderWay {
    rebuild: Rebuild,
    task: AbortHandle,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<P: Projection + 'static> StateProjection<P> {
    /// Looks at the state as it is, once that is as consistent as was asked for.
    pub(super) async fn view(&self) -> Result<View<P>, ProjectionError> {
        if self.consistency == Consistency::ReadYourWrites {
            let head = self.feed.backend().head().await;
            let head = head.map_err(|error| self.task.store_error(error.into()))?;
            self.task.wait_until(head).await?;
        }
        let view = View::new(Arc::clone(&self.live).read_owned().await);
        match view.half_applied() {
            None => Ok(view),
            Some(fault) => {
                let name = self.task.name.to_string();
                Err(ProjectionError::HalfApplied { name, source: Box::new(fault.clone()) })
            }
        }
    }

    fn rebuilds(&self) -> MutexGuard<'_, Rebuilds> {
        self.rebuilds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn builder(&self) -> Result<Builder<P>, ProjectionError> {
        let name = self.task.name.to_string();
        let Some(recipe) = self.recipe.clone() else { return Err(ProjectionError::CannotRebuild { name }) };
        // Taken while events are being applied, it is told with the first ones.
        let goal = self.live.try_read().map_or(GlobalPosition::END, |serving| serving.goal());
        Ok(Builder {
            name,
            live: Arc::clone(&self.live),
            recipe,
            keeper: self.keeper.clone(),
            feed: Arc::clone(&self.feed),
            policy: self.policy,
            workers: self.workers,
            reporter: Reporter::new(goal),
        })
    }
}

#[async_trait]
impl<P: Projection + 'static> Running for StateProjection<P> {
    fn task(&self) -> &Task {
        &self.task
    }

    async fn resume(&self) -> Result<(), ProjectionError> {
        self.task.resume().await?;
        if self.task.gauges.borrow().state == ProjectionState::Replacing {
            self.begin_rebuild()?;
        }
        Ok(())
    }

    async fn close(&self) -> Result<(), ProjectionError> {
        // First, so that nothing is put in the place of what is stored last.
        {
            let mut rebuilds = self.rebuilds();
            rebuilds.are_closed = true;
            if let Some(under_way) = &rebuilds.last {
                under_way.task.abort();
            }
        }
        self.task.close().await
    }

    fn begin_rebuild(&self) -> Result<Rebuild, ProjectionError> {
        let builder = self.builder()?;
        let runtime = Handle::try_current().map_err(|_| ProjectionError::NoRuntime)?;
        let mut rebuilds = self.rebuilds();
        if rebuilds.are_closed {
            return Err(self.task.closed());
        }
        if let Some(running) = rebuilds.last.as_ref().filter(|it| it.rebuild.is_running()) {
            return Ok(running.rebuild.clone());
        }
        let rebuild = Rebuild { name: Arc::clone(&self.task.name), progress: builder.reporter.subscribe() };
        // Weak: a rebuild keeps no projection alive.
        let commands = self.task.commands.downgrade();
        let task = runtime.spawn(async move {
            let built = builder.build().await;
            if let Some(commands) = commands.upgrade() {
                // Where nobody listens any more, there is nobody to go on.
                let _ = commands.send(Command::Built(built)).await;
            }
        });
        rebuilds.last = Some(UnderWay { rebuild: rebuild.clone(), task: task.abort_handle() });
        Ok(rebuild)
    }

    fn rebuild(&self) -> Option<Rebuild> {
        self.rebuilds().last.as_ref().map(|it| it.rebuild.clone())
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}
