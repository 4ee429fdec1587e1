//! Projections that are built anew.

use std::{
    num::NonZeroUsize,
    sync::{Arc, OnceLock},
};

use allframe_cqrs::{
    ApplyContext, ApplyError, EventStore, FaultPolicy, InMemoryBackend, MergeProjection, Projection,
    ProjectionError, ProjectionRegistry, ProjectionState, Rebuild, RebuildState, Recorded, Registration,
};

use crate::ledger::{Balances, Curse, Entry, Fragile, Parts, SOON, append, deposit, fill};

fn balances() -> Registration<Balances> {
    Registration::in_memory("balances", Balances::default)
}

async fn filled(
    registration: Registration<Balances>,
    events: u64,
) -> (EventStore<Entry>, ProjectionRegistry<Entry>, Balances) {
    let store = EventStore::new();
    let expected = fill(&store, events).await;
    let registry = ProjectionRegistry::new(store.clone());
    registry.add(registration).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    (store, registry, expected)
}

#[tokio::test]
async fn what_is_built_anew_is_what_it_was() {
    let (_, registry, expected) = filled(balances(), 10_000).await;
    let position = registry.rebuild("balances").await.unwrap();
    let view = registry.get::<Balances>().await.unwrap();
    assert_eq!((&*view, view.position()), (&expected, position));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_build_the_same_as_one() {
    let (_, registry, expected) =
        filled(balances().with_parallel_rebuild(NonZeroUsize::new(4).unwrap()), 10_000).await;
    registry.rebuild("balances").await.unwrap();
    assert_eq!(*registry.get::<Balances>().await.unwrap(), expected);
}

#[tokio::test]
async fn a_parallel_rebuild_is_put_together_of_what_several_have_built() {
    let store = EventStore::<Entry>::new();
    fill(&store, 10_000).await;
    let registry = ProjectionRegistry::new(store);
    let four = NonZeroUsize::new(4).unwrap();
    registry.add(Registration::in_memory("parts", Parts::default).with_parallel_rebuild(four)).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    registry.rebuild("parts").await.unwrap();
    let parts = registry.get::<Parts>().await.unwrap();
    assert!(parts.events == 10_000 && (2..=4).contains(&parts.parts), "{parts:?}");
}

#[tokio::test]
async fn what_was_built_anew_is_stored_before_it_serves() {
    let backend = InMemoryBackend::new();
    let fragile = || {
        let policy = FaultPolicy::park().with_attempts(1);
        Registration::stored("fragile", 1, Fragile::default).with_faults(policy)
    };
    Curse::Fails.set();
    let store = EventStore::<Entry>::with_backend(backend.clone());
    let registry = ProjectionRegistry::new(store.clone());
    registry.add(fragile()).await.unwrap();
    append(&store, "account-1", Entry::Cursed).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    registry.save().await.unwrap();
    Curse::IsLifted.set();
    registry.rebuild("fragile").await.unwrap();

    // As after a kill: nothing was closed.
    let after = ProjectionRegistry::new(EventStore::<Entry>::with_backend(backend));
    after.add(fragile()).await.unwrap();
    let view = after.get::<Fragile>().await.unwrap();
    assert_eq!((view.sum, view.parked().len()), (1_000, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_old_state_serves_and_follows_until_the_new_one_is_there() {
    let (store, registry, _) = filled(balances(), 30_000).await;
    let mut rebuild = registry.begin_rebuild("balances").unwrap();
    let mut written = 30_000;
    while let Some(progress) = rebuild.changed().await {
        assert!((0.0..=1.0).contains(&progress.share()), "{progress:?}");
        let position = deposit(&store, "account-1", 1).await;
        written += 1;
        registry.wait_until(position, SOON).await.unwrap();
        assert_eq!(registry.get::<Balances>().await.unwrap().events, written);
    }
    let progress = rebuild.progress();
    assert!(matches!(progress.state, RebuildState::Done), "{progress:?}");
    assert!(written > 30_000 && progress.events >= 30_000, "{progress:?}");
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(registry.get::<Balances>().await.unwrap().events, written);
}

#[tokio::test]
async fn a_paused_projection_is_built_to_where_it_stands_and_stays_paused() {
    let (store, registry, expected) = filled(balances(), 1_000).await;
    registry.pause("balances").await.unwrap();
    deposit(&store, "account-1", 1).await;
    registry.rebuild("balances").await.unwrap();
    let status = registry.status_of("balances").await.unwrap();
    assert_eq!((status.state, status.lag_events), (ProjectionState::Paused, 1));
    assert_eq!(*registry.get::<Balances>().await.unwrap(), expected);
}

#[tokio::test]
async fn who_asks_for_a_rebuild_that_is_under_way_gets_that_one() {
    let (_, registry, _) = filled(balances(), 20_000).await;
    let first = registry.begin_rebuild("balances").unwrap();
    let second = registry.begin_rebuild("balances").unwrap();
    let (first, second) = tokio::join!(first.finished(), second.finished());
    assert_eq!(first.unwrap(), second.unwrap());
    registry.begin_rebuild("balances").unwrap().finished().await.unwrap();
    registry.rebuild_all().await.unwrap();
}

#[tokio::test]
async fn the_status_tells_of_the_last_rebuild() {
    let (_, registry, _) = filled(balances(), 100).await;
    assert!(registry.status_of("balances").await.unwrap().rebuild.is_none());
    registry.rebuild("balances").await.unwrap();
    let rebuild = registry.status_of("balances").await.unwrap().rebuild.unwrap();
    assert!(matches!(rebuild.state, RebuildState::Done) && rebuild.events == 100, "{rebuild:?}");
}

/// Counts, and looks how far its rebuild says that it is.
#[derive(Clone, Debug, Default)]
struct Watching {
    events: u64,
    told_too_early: u64,
    rebuild: Arc<OnceLock<Rebuild>>,
}

impl Projection for Watching {
    type Event = Entry;

    fn apply(&mut self, _event: &Entry) {
        unreachable!("it wants the position");
    }

    fn try_apply(&mut self, event: &Recorded<Entry>, _context: &mut ApplyContext) -> Result<(), ApplyError> {
        self.events += 1;
        if let Some(rebuild) = self.rebuild.get() {
            self.told_too_early += u64::from(rebuild.progress().position >= event.position());
        }
        Ok(())
    }
}

impl MergeProjection for Watching {
    fn merge(&mut self, other: Self) {
        self.events += other.events;
        self.told_too_early += other.told_too_early;
    }
}

#[tokio::test]
async fn what_a_parallel_rebuild_says_that_it_has_come_to_is_applied() {
    let store = EventStore::<Entry>::new();
    fill(&store, 9_000).await;
    let registry = ProjectionRegistry::new(store);
    let first = Watching::default();
    let watched = Arc::clone(&first.rebuild);
    let registration = Registration::in_memory("watching", move || first.clone());
    registry.add(registration.with_parallel_rebuild(NonZeroUsize::new(3).unwrap())).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    let rebuild = registry.begin_rebuild("watching").unwrap();
    watched.set(rebuild.clone()).unwrap();
    rebuild.clone().finished().await.unwrap();
    let view = registry.get::<Watching>().await.unwrap();
    assert_eq!((view.events, view.told_too_early, rebuild.progress().events), (9_000, 0, 9_000));
}

#[tokio::test]
async fn closing_breaks_a_rebuild_off() {
    let (_, registry, expected) = filled(balances(), 30_000).await;
    let rebuild = registry.begin_rebuild("balances").unwrap();
    registry.close().await.unwrap();
    let error = rebuild.clone().finished().await.unwrap_err();
    assert!(matches!(error, ProjectionError::Closed { .. }), "{error:?}");
    assert!(matches!(rebuild.progress().state, RebuildState::BrokenOff));
    assert_eq!(*registry.get::<Balances>().await.unwrap(), expected);
}
