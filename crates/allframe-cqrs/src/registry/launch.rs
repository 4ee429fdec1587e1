use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use eventstore_api::{EventStoreBackend, GlobalPosition};
use tokio::{runtime::Handle, sync::RwLock};

use super::{
    Consistency, ProjectionError, Registration,
    beginning::Beginning,
    effects::{Effects, KeptWatermark, Watermark},
    feed::Feed,
    keeper::Keeper,
    live::Applied,
    recipe::Recipe,
    registration::Start,
    running::Running,
    sink::Standing,
    state_projection::StateProjection,
    state_sink::StateSink,
};
use crate::{Event, PayloadCodec, Projection, Result};

/// A registration, whatever the type of its projection.
#[async_trait]
pub(super) trait Launch<E: Event>: Send {
    fn name(&self) -> &str;

    fn consistency(&self) -> Consistency;

    /// Finds the state where it was left, and runs the projection from there.
    async fn launch(self: Box<Self>, feed: Arc<Feed<E>>) -> Result<Arc<dyn Running>, ProjectionError>;
}

#[async_trait]
impl<P: Projection + 'static> Launch<P::Event> for Registration<P> {
    fn name(&self) -> &str {
        &self.name
    }

    fn consistency(&self) -> Consistency {
        self.consistency
    }

    async fn launch(self: Box<Self>, feed: Arc<Feed<P::Event>>) -> Result<Arc<dyn Running>, ProjectionError> {
        let runtime = Handle::try_current().map_err(|_| ProjectionError::NoRuntime)?;
        let Self { name, version, start, codec, consistency, faults, checkpoints, workers } = *self;
        let shelf = Shelf { name: &name, version, codec, backend: feed.backend() };
        let (found, recipe) = match start {
            Start::Recipe(recipe) => (shelf.find(&recipe).await?, Some(recipe)),
            Start::Value(value) => {
                (Found::new(Applied::new(value, GlobalPosition::START), shelf.head().await?), None)
            }
        };
        let is_built_by_many =
            workers > NonZeroUsize::MIN && recipe.as_ref().is_some_and(|recipe| recipe.merge().is_some());
        let found = if is_built_by_many { found.replaced_once_built() } else { found };
        let Found { applied, stored, keeper, effects, .. } = found;

        let standing = Standing { stored, ..applied.standing() };
        let live = Arc::new(RwLock::new(applied));
        let sink =
            StateSink::new(Arc::clone(&live), recipe.clone(), keeper.clone(), Arc::clone(&feed), effects);
        let beginning = Beginning { name, version, feed: Arc::clone(&feed), faults, checkpoints };
        let projection = Arc::new(StateProjection {
            task: beginning.run(&runtime, sink, standing),
            live,
            recipe,
            keeper,
            feed,
            consistency,
            policy: faults,
            workers,
            rebuilds: Mutex::default(),
        });
        if standing.is_outdated {
            projection.begin_rebuild()?;
        }
        Ok(projection)
    }
}

/// Where the states of a projection are kept.
struct Shelf<'a> {
    name: &'a str,
    version: u32,
    codec: PayloadCodec,
    backend: &'a Arc<dyn EventStoreBackend>,
}

/// What a projection begins with.
struct Found<P> {
    applied: Applied<P>,
    /// Up to where that is stored, of this version.
    stored: Option<GlobalPosition>,
    keeper: Option<Arc<Keeper<P>>>,
    effects: Effects,
    /// Events up to here have no effects any more.
    history: GlobalPosition,
}

/// What older versions of a projection have left.
struct Older<P> {
    /// Of the last of them whose state can be read as one of this version.
    state: Option<Applied<P>>,
    /// How far any of them has come, whether its state can be read or not.
    position: GlobalPosition,
}

impl<P> Found<P> {
    /// Nothing is stored of it, and events stored before it began have no effects.
    fn new(applied: Applied<P>, head: GlobalPosition) -> Self {
        let effects = Effects::with(Watermark::in_memory(head));
        Self { applied, stored: None, keeper: None, effects, history: head }
    }

    /// The same, where a state of which nothing is there yet is built beside it, if that pays.
    fn replaced_once_built(mut self) -> Self {
        let is_first = self.applied.position == GlobalPosition::START && self.applied.replaced_at.is_none();
        if is_first && self.history.get() >= PAYS_FROM {
            self.applied.replaced_at = Some(self.history);
        }
        self
    }
}

/// From how many positions of history on a first state is built by several workers. Fewer are applied in some milliseconds by
/// one, and can be read as they are.
const PAYS_FROM: u64 = 10_000;

impl Shelf<'_> {
    async fn head(&self) -> Result<GlobalPosition, ProjectionError> {
        self.backend.head().await.map_err(|error| self.failed(error.into()))
    }

    async fn find<P: Projection + 'static>(&self, recipe: &Recipe<P>) -> Result<Found<P>, ProjectionError> {
        let head = self.head().await?;
        let nothing = || Applied::new(recipe.make(), GlobalPosition::START);
        let Some(keeper) = self.keeper(recipe, self.version)? else { return Ok(Found::new(nothing(), head)) };
        let backend = Arc::clone(self.backend);
        let kept = KeptWatermark::new(backend, self.name).map_err(|error| self.no_name(error))?;
        // A store that was restored from a backup may have less than it is said to have done.
        let done = kept.load().await.map_err(|error| self.failed(error))?.map(|done| done.min(head));
        let found = keeper.load().await.map_err(|error| self.failed(error))?;
        let (applied, stored) = match found {
            Some(applied) => {
                let stored = applied.position;
                (applied, Some(stored))
            }
            None => {
                let older = self.older(recipe).await?;
                let effects_through = match done {
                    // What an older version has taken in has had its effects, if it had any.
                    Some(done) => done.max(older.position.min(head)),
                    // From now on: whoever begins with a store full of events does not send a mail for each of them.
                    None => {
                        kept.begin(head).await.map_err(|error| self.failed(error))?;
                        head
                    }
                };
                if let Some(older) = older.state {
                    (Applied { effects_through, replaced_at: Some(effects_through), ..older }, None)
                } else {
                    let first = Applied { effects_through, ..nothing() };
                    let stored = keeper.save_alone(&first).await.map_err(|error| self.failed(error))?;
                    (first, stored)
                }
            }
        };
        let through = done.unwrap_or_default().max(applied.effects_through);
        let effects = Effects::with(Watermark::kept(through, kept));
        Ok(Found { applied, stored, keeper: Some(Arc::new(keeper)), effects, history: through })
    }

    /// What the versions before this one have left.
    async fn older<P: Projection + 'static>(&self, recipe: &Recipe<P>) -> Result<Older<P>, ProjectionError> {
        let mut older = Older { state: None, position: GlobalPosition::START };
        for version in (self.version.saturating_sub(VERSIONS_BACK)..self.version).rev() {
            let Some(keeper) = self.keeper(recipe, version)? else { break };
            let position = keeper.position().await.map_err(|error| self.failed(error))?;
            older.position = older.position.max(position);
            if older.state.is_none() {
                older.state = keeper.load().await.map_err(|error| self.failed(error))?;
            }
        }
        Ok(older)
    }

    fn keeper<P>(&self, recipe: &Recipe<P>, version: u32) -> Result<Option<Keeper<P>>, ProjectionError> {
        let Some(form) = recipe.form.clone() else { return Ok(None) };
        let keeper = Keeper::new(Arc::clone(self.backend), self.name, version, form, self.codec);
        keeper.map(Some).map_err(|error| self.no_name(error))
    }

    fn no_name(&self, source: eventstore_api::InvalidInput) -> ProjectionError {
        ProjectionError::InvalidName { name: self.name.to_owned(), source }
    }

    fn failed(&self, source: crate::Error) -> ProjectionError {
        ProjectionError::Store { name: self.name.to_owned(), source }
    }
}

/// How many versions back a state is looked for that may serve meanwhile.
const VERSIONS_BACK: u32 = 16;
