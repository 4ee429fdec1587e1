//! Projections that are built anew.

use std::num::NonZeroUsize;

use allframe_cqrs::{
    EventStore, FaultPolicy, InMemoryBackend, MergeProjection, Projection, ProjectionError,
    ProjectionRegistry, ProjectionState, RebuildState, Registration,
};

use crate::ledger::{Balances, Curse, Entry, Fragile, SOON, append, deposit, fill};

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

/// How many events there were, and out of how many parts that was put together.
#[derive(Clone, Debug, Default)]
struct Parts {
    events: u64,
    parts: u64,
}

impl Projection for Parts {
    type Event = Entry;

    fn apply(&mut self, _event: &Entry) {
        self.events += 1;
        self.parts = self.parts.max(1);
    }
}

impl MergeProjection for Parts {
    fn merge(&mut self, other: Self) {
        self.events += other.events;
        self.parts += other.parts;
    }
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
