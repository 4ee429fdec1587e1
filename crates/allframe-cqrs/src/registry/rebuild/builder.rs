use std::{num::NonZeroUsize, panic::AssertUnwindSafe, sync::Arc};

use eventstore_api::GlobalPosition;
use futures_util::FutureExt;
use tokio::{sync::RwLock, time};

use super::{RebuildState, Reporter, parallel};
use crate::{
    Panicked, Projection,
    registry::{
        FaultPolicy, OnFault, ProjectionFault,
        attempts::Attempts,
        effects::Effects,
        fault::{Failure, FaultCause},
        fault_policy::Next,
        feed::{Entry, Feed, Part},
        keeper::Keeper,
        live::{Applied, Live},
        recipe::Recipe,
        sink::{Sink, Taken},
        state_sink::StateSink,
    },
};

/// Builds a state from history beside the one that serves, and puts it in its place at once.
pub(in crate::registry) struct Builder<P: Projection> {
    pub(in crate::registry) name: String,
    /// The state that serves.
    pub(in crate::registry) live: Live<P>,
    pub(in crate::registry) recipe: Recipe<P>,
    pub(in crate::registry) keeper: Option<Arc<Keeper<P>>>,
    pub(in crate::registry) feed: Arc<Feed<P::Event>>,
    pub(in crate::registry) policy: FaultPolicy,
    /// How many build at the same time, where that can be done.
    pub(in crate::registry) workers: NonZeroUsize,
    pub(in crate::registry) reporter: Reporter,
}

/// How many events are left to apply while nobody may read, when the new state takes the place of the old one.
const LAST_EVENTS: u64 = 1_024;

impl<P: Projection + 'static> Builder<P> {
    /// Builds. When that has succeeded, the new state serves; up to where it is stored, where it is kept.
    pub(in crate::registry) async fn build(self) -> Result<Option<GlobalPosition>, ProjectionFault> {
        let building = AssertUnwindSafe(self.try_build()).catch_unwind();
        let outcome = match building.await {
            Ok(outcome) => outcome,
            Err(payload) => {
                let cause = FaultCause::Panicked(Panicked::new(&*payload));
                Err(Failure { position: self.reporter.position(), stream: None, cause }.after(1))
            }
        };
        self.reporter.ended(match &outcome {
            Ok(_) => RebuildState::Finished,
            Err(fault) => {
                fault.warn(&self.name);
                RebuildState::Failed(fault.clone())
            }
        });
        outcome
    }

    async fn try_build(&self) -> Result<Option<GlobalPosition>, ProjectionFault> {
        let mut sink = self.begin(self.built_in_parallel().await);
        let outcome = self.build_in(&mut sink).await;
        if outcome.is_err() {
            self.make_do_with(&sink).await;
        }
        outcome
    }

    async fn build_in(&self, sink: &mut StateSink<P>) -> Result<Option<GlobalPosition>, ProjectionFault> {
        let mut stored = None;
        let mut attempts = Attempts::default();
        let mut target = self.target().await;
        loop {
            self.come_to(target, sink, &mut attempts).await?;
            let mut serving = self.live.write().await;
            let (keepable, goal) = (serving.keepable(), serving.goal());
            let built = position(sink).await?;
            target = keepable;
            if keepable.get().saturating_sub(built.get()) > LAST_EVENTS {
                continue;
            }
            // Nobody may read meanwhile. What has to be waited for is waited for at the top.
            if let LastLap::Interrupted = self.last_lap(keepable, sink).await? {
                continue;
            }
            sink.live.write().await.effects_through = serving.effects_through;
            // First, so that no failure is ever mended with what was stored of the old state.
            match self.keep(sink, keepable).await {
                Ok(kept) => stored = kept.or(stored),
                Err(failure) if failure.is_outage() => {
                    drop(serving);
                    time::sleep(self.policy.backoff(attempts.count(failure.position))).await;
                    continue;
                }
                Err(failure) => return Err(failure.after(1)),
            }
            target = goal;
            if let LastLap::Interrupted = self.last_lap(goal, sink).await? {
                continue;
            }
            let mut new = sink.live.write().await;
            new.succeed(&serving);
            new.settled = keepable;
            std::mem::swap(&mut *serving, &mut *new);
            return Ok(stored);
        }
    }

    /// Where there is nothing that could go on serving, what was built up to the event that failed does, and the projection
    /// stands before that event, as if it had come there by itself.
    async fn make_do_with(&self, sink: &StateSink<P>) {
        let mut serving = self.live.write().await;
        let mut built = sink.live.write().await;
        let is_empty = serving.replaced_at.is_some() && serving.position == GlobalPosition::START;
        if is_empty && built.half_applied.is_none() {
            built.succeed(&serving);
            std::mem::swap(&mut *serving, &mut *built);
        }
    }

    /// How far to build before the last lap. As far as the state that serves has come with all its effects, and no further: what
    /// events behind it ask to be done outside is still to be done, by whoever applies them there.
    async fn target(&self) -> GlobalPosition {
        self.live.read().await.keepable()
    }

    /// Stores the new state, where it is no further than it may be; up to where. It is further after a lap that was interrupted, before
    /// which it was stored.
    async fn keep(
        &self,
        sink: &StateSink<P>,
        keepable: GlobalPosition,
    ) -> Result<Option<GlobalPosition>, Failure> {
        let new = sink.live.read().await;
        let Some(keeper) = self.keeper.as_ref().filter(|_| new.position <= keepable) else { return Ok(None) };
        let saved = keeper.save_alone(&new).await;
        saved.map_err(|error| Failure {
            position: new.position,
            stream: None,
            cause: FaultCause::Store(error),
        })
    }

    fn begin(&self, built: Option<Applied<P>>) -> StateSink<P> {
        let built = built.unwrap_or_else(|| Applied::new(self.recipe.make(), GlobalPosition::START));
        let live = Arc::new(RwLock::new(built));
        // Without a keeper: what is stored is of the state that serves.
        StateSink::new(live, Some(self.recipe.clone()), None, Arc::clone(&self.feed), Effects::none())
    }

    /// What many have built together, where the projection allows that and nothing failed: who has to try an event again does
    /// that alone, in order.
    async fn built_in_parallel(&self) -> Option<Applied<P>> {
        let merge = self.recipe.merge().filter(|_| self.workers.get() > 1)?;
        let target = self.target().await;
        let told = |position, events| self.reporter.come_to(position, events, target);
        let built = parallel::build(&self.recipe, merge, &self.feed, self.workers, target, told).await;
        if built.is_none() {
            self.reporter.start_over();
        }
        built
    }

    /// The last events, without waiting for a store that does not answer or an event that fails.
    async fn last_lap(
        &self,
        target: GlobalPosition,
        sink: &mut StateSink<P>,
    ) -> Result<LastLap, ProjectionFault> {
        loop {
            let built = position(sink).await?;
            if built >= target {
                return Ok(LastLap::Done);
            }
            let Ok(Some(part)) = self.feed.after_alone(built).await else { return Ok(LastLap::Interrupted) };
            let (entries, through) = up_to(&part, target);
            let Taken { events, failure } = sink.take(entries, through).await;
            self.reporter.come_to(position(sink).await?, events, target);
            if failure.is_some() {
                return Ok(LastLap::Interrupted);
            }
        }
    }

    async fn come_to(
        &self,
        target: GlobalPosition,
        sink: &mut StateSink<P>,
        attempts: &mut Attempts,
    ) -> Result<(), ProjectionFault> {
        loop {
            let built = position(sink).await?;
            if built >= target {
                return Ok(());
            }
            let part = match self.feed.after_alone(built).await {
                Ok(Some(part)) => part,
                Ok(None) => return Ok(()),
                Err(error) if error.is_retryable() => {
                    time::sleep(self.policy.backoff(attempts.count(built))).await;
                    continue;
                }
                Err(error) => {
                    let cause = FaultCause::Store(error);
                    return Err(Failure { position: built, stream: None, cause }.after(1));
                }
            };
            let events = self.take(&part, target, sink, attempts).await?;
            self.reporter.come_to(position(sink).await?, events, target);
        }
    }

    /// Takes in what of a part is not behind the target, as the policy says.
    async fn take(
        &self,
        part: &Part<P::Event>,
        target: GlobalPosition,
        sink: &mut StateSink<P>,
        attempts: &mut Attempts,
    ) -> Result<u64, ProjectionFault> {
        let (entries, through) = up_to(part, target);
        let Taken { events, failure } = sink.take(entries, through).await;
        let Some(failure) = failure else { return Ok(events) };
        let failed = attempts.count(failure.position);
        if failure.is_outage() {
            time::sleep(self.policy.backoff(failed)).await;
            return Ok(events);
        }
        if failure.is_of_the_store() {
            return Err(failure.after(failed));
        }
        let fault = failure.after(failed);
        match self.policy.after(failed) {
            Next::RetryAfter(wait) => time::sleep(wait).await,
            Next::GiveUp(OnFault::Stop) => return Err(fault),
            Next::GiveUp(how) => sink.pass_over(&fault, how).await.map_err(|failure| failure.after(1))?,
        }
        Ok(events)
    }
}

/// Whether the last events are in.
enum LastLap {
    Done,
    Interrupted,
}

/// What of a part is not behind the target.
fn up_to<E>(part: &Part<E>, target: GlobalPosition) -> (&[Entry<E>], GlobalPosition) {
    let entries = part.entries();
    let up_to_target = entries.partition_point(|entry| entry.position <= target);
    (entries.get(..up_to_target).unwrap_or_default(), part.next().min(target))
}

async fn position<P: Projection + 'static>(
    sink: &mut StateSink<P>,
) -> Result<GlobalPosition, ProjectionFault> {
    sink.standing().await.map(|standing| standing.position).map_err(|failure| failure.after(1))
}
