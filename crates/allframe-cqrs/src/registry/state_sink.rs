use std::sync::Arc;

use async_trait::async_trait;
use eventstore_api::{GlobalPosition, Timestamp, message_with_causes};
use tokio::sync::RwLockWriteGuard;

use super::{
    OnFault, ParkedEvent, ProjectionFault,
    effects::Effects,
    fault::{Failure, FaultCause},
    feed::{Entry, Feed},
    keeper::Keeper,
    live::{Applied, Live},
    recipe::Recipe,
    sink::{Sink, Standing, Taken},
};
use crate::{
    ApplyContext, Projection, Recorded, Result,
    panicked::{apply_all_guarded, guarded},
};

/// For how many events a reader has to wait at most while they are applied.
const EVENTS_A_TURN: usize = 256;

/// Applies events to a state in memory.
///
/// `apply` changes the state in place, so that an event which fails in the middle leaves it half changed. Then the state
/// before that event is made again, of what is stored or of nothing, and from then on each attempt has a copy of it, until
/// one succeeds.
pub(super) struct StateSink<P: Projection> {
    pub(super) live: Live<P>,
    pub(super) recipe: Option<Recipe<P>>,
    pub(super) keeper: Option<Arc<Keeper<P>>>,
    pub(super) feed: Arc<Feed<P::Event>>,
    pub(super) effects: Effects,
    /// The state before the event that failed last, from which it is quicker made again than from what is stored.
    base: Option<Base<P>>,
    /// The event that is tried on a copy.
    on_trial: Option<GlobalPosition>,
}

struct Base<P> {
    state: P,
    position: GlobalPosition,
    /// Of which state, see [`Applied::generation`].
    generation: u64,
}

impl<P: Projection + 'static> StateSink<P> {
    pub(super) fn new(
        live: Live<P>,
        recipe: Option<Recipe<P>>,
        keeper: Option<Arc<Keeper<P>>>,
        feed: Arc<Feed<P::Event>>,
        effects: Effects,
    ) -> Self {
        Self { live, recipe, keeper, feed, effects, base: None, on_trial: None }
    }

    /// Applies some events under one lock, and says how many, and what was wrong with the next one.
    async fn apply(&mut self, entries: &[Entry<P::Event>]) -> Taken {
        let live = Arc::clone(&self.live);
        let mut applied = live.write().await;
        let mut count = 0;
        for entry in entries {
            if entry.position <= applied.position {
                continue;
            }
            let outcome = match entry.readable() {
                Ok(events) => self.apply_events(&mut applied, entry.position, events).await,
                Err(error) => Err(FaultCause::Unreadable(error)),
            };
            if let Err(cause) = outcome {
                let stream = entry.first().map(|event| event.stream().clone());
                let failure = Failure { position: entry.position, stream, cause };
                return Taken { events: count, failure: Some(failure) };
            }
            applied.position = entry.position;
            self.settle(&mut applied);
            count += 1;
        }
        Taken::all(count)
    }

    /// Does what is due outside.
    async fn run_effects(&mut self) -> Result<(), Failure> {
        if self.effects.are_due() {
            self.effects.run().await?;
            self.settle(&mut *self.live.write().await);
        }
        Ok(())
    }

    fn settle(&self, applied: &mut Applied<P>) {
        if !self.effects.are_due() {
            applied.settled = applied.position;
        }
    }

    /// Applies the events of one record, all or none.
    async fn apply_events(
        &mut self,
        applied: &mut RwLockWriteGuard<'_, Applied<P>>,
        position: GlobalPosition,
        events: &[Recorded<P::Event>],
    ) -> Result<(), FaultCause> {
        if applied.half_applied.is_some() {
            // The store did not answer when this was to be done.
            self.take_back(applied, position).await?;
        }
        let mut context = self.effects.context(position);
        let copy = match &self.recipe {
            // Where no copy can be made, it is tried on the state itself, which can be made again.
            Some(recipe) if self.on_trial == Some(position) => guarded(|| recipe.copy(&applied.state)).ok(),
            _ => None,
        };
        match copy {
            Some(mut copy) => {
                apply_all_guarded(&mut copy, events, &mut context)?;
                applied.state = copy;
                self.on_trial = None;
            }
            None => {
                if let Err(why) = apply_all_guarded(&mut applied.state, events, &mut context) {
                    let cause = FaultCause::from(why);
                    let stream = events.first().map(|event| event.stream().clone());
                    let failure = Failure { position, stream, cause: cause.clone() };
                    applied.half_applied = Some(failure.after(1));
                    self.take_back(applied, position).await?;
                    return Err(cause);
                }
            }
        }
        self.effects.collect(position, &mut context);
        Ok(())
    }

    /// Makes the state as it was before the event at this position.
    async fn take_back(
        &mut self,
        applied: &mut RwLockWriteGuard<'_, Applied<P>>,
        failed: GlobalPosition,
    ) -> Result<(), FaultCause> {
        let Some(recipe) = self.recipe.clone() else { return Ok(()) };
        let (mut state, mut position) = self.start(&recipe, applied).await?;
        while position < applied.position {
            let Some(part) = self.feed.after(position).await.map_err(FaultCause::Store)? else { break };
            for entry in part.entries().iter().take_while(|entry| entry.position <= applied.position) {
                if !applied.passed_over.contains(&entry.position) {
                    let events = entry.readable().map_err(FaultCause::Unreadable)?;
                    apply_all_guarded(&mut state, events, &mut ApplyContext::replaying())?;
                }
            }
            position = part.next();
        }
        let (position, generation) = (applied.position, applied.generation);
        let base = guarded(|| recipe.copy(&state)).ok();
        self.base = base.map(|state| Base { state, position, generation });
        self.on_trial = Some(failed);
        applied.state = state;
        applied.half_applied = None;
        Ok(())
    }

    /// The latest state that is known to be whole.
    async fn start(
        &self,
        recipe: &Recipe<P>,
        applied: &Applied<P>,
    ) -> Result<(P, GlobalPosition), FaultCause> {
        if let Some(base) = self.base.as_ref().filter(|base| base.generation == applied.generation)
            && let Ok(state) = guarded(|| recipe.copy(&base.state))
        {
            return Ok((state, base.position));
        }
        let kept = match &self.keeper {
            Some(keeper) => keeper.load().await.map_err(FaultCause::Store)?,
            None => None,
        };
        // Another process that runs the projection may be further.
        let kept = kept.filter(|kept| kept.position <= applied.position);
        match kept {
            Some(kept) => Ok((kept.state, kept.position)),
            None => {
                let state = guarded(|| recipe.make()).map_err(FaultCause::Panicked)?;
                Ok((state, GlobalPosition::START))
            }
        }
    }
}

#[async_trait]
impl<P: Projection + 'static> Sink<P::Event> for StateSink<P> {
    async fn standing(&mut self) -> Result<Standing, Failure> {
        Ok(self.live.read().await.standing())
    }

    async fn take(&mut self, entries: &[Entry<P::Event>], through: GlobalPosition) -> Taken {
        let mut taken = Taken::all(0);
        // What has failed and is tried again.
        taken.failure = self.run_effects().await.err();
        for turn in entries.chunks(EVENTS_A_TURN) {
            if taken.failure.is_some() {
                return taken;
            }
            let Taken { events, failure } = self.apply(turn).await;
            taken.events += events;
            // Those of the events before it, where one has failed.
            taken.failure = self.run_effects().await.err().or(failure);
        }
        if taken.failure.is_none() {
            let mut applied = self.live.write().await;
            applied.position = applied.position.max(through);
            self.settle(&mut applied);
            self.effects.applied(applied.position);
        }
        taken
    }

    async fn pass_over(&mut self, fault: &ProjectionFault, how: OnFault) -> Result<(), Failure> {
        let mut applied = self.live.write().await;
        if how == OnFault::Park {
            let reason = message_with_causes(&fault.cause);
            applied.parked.push(ParkedEvent::new(fault.position, reason, Timestamp::now()));
        }
        // An event that is applied, and only its effect is left out.
        if !self.effects.drop_those_of(fault.position) && fault.position > applied.position {
            applied.passed_over.insert(fault.position);
            applied.position = applied.position.max(fault.position);
        }
        self.settle(&mut applied);
        self.on_trial = None;
        Ok(())
    }

    /// An event whose effects are still due must be applied again after a crash, or they would be lost.
    fn may_be_saved(&self) -> bool {
        !self.effects.are_due()
    }

    async fn save(&mut self) -> Result<Option<GlobalPosition>> {
        let Some(keeper) = &self.keeper else { return Ok(None) };
        let applied = Arc::clone(&self.live).read_owned().await;
        if applied.half_applied.is_some() {
            return Ok(None);
        }
        // Where nothing is kept, a failed event still needs to know what was passed over before it.
        let Some(position) = Keeper::save(keeper, applied).await? else { return Ok(None) };
        self.base = None;
        self.live.write().await.passed_over.retain(|&passed| passed > position);
        Ok(Some(position))
    }
}
