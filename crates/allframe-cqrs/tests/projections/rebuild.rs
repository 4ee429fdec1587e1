//! Projections that are built anew.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use allframe_cqrs::{
    ApplyContext, ApplyError, EventStore, FaultCause, FaultPolicy, InMemoryBackend, MergeProjection,
    Projection, ProjectionError, ProjectionRegistry, ProjectionState, Rebuild, RebuildState, Recorded,
    Registration,
};
use futures_util::StreamExt;

use crate::{
    ledger::{Balances, Curse, Entry, Fragile, Parts, SOON, append, deposit, fill},
    support::Watched,
};

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
    assert!(matches!(progress.state, RebuildState::Finished), "{progress:?}");
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
    assert!(matches!(rebuild.state, RebuildState::Finished) && rebuild.events == 100, "{rebuild:?}");
}

/// Notes the positions of all events, also of those which it refuses then.
#[derive(Clone, Debug, Default)]
struct Fussy {
    seen: Vec<u64>,
    refused: Arc<Mutex<Vec<u64>>>,
}

impl Projection for Fussy {
    type Event = Entry;

    fn apply(&mut self, _event: &Entry) {
        unreachable!("it wants the position");
    }

    fn try_apply(&mut self, event: &Recorded<Entry>, _context: &mut ApplyContext) -> Result<(), ApplyError> {
        let position = event.position().get();
        self.seen.push(position);
        if self.refused.lock().unwrap().contains(&position) { Err("refused".into()) } else { Ok(()) }
    }
}

#[tokio::test]
async fn a_fault_after_a_rebuild_is_mended_with_nothing_of_the_state_before_it() {
    let store = EventStore::<Entry>::new();
    let registry = ProjectionRegistry::new(store.clone());
    let fussy = Fussy::default();
    let refused = Arc::clone(&fussy.refused);
    let registration = Registration::in_memory("fussy", move || fussy.clone());
    registry.add(registration.with_faults(FaultPolicy::skip().with_attempts(1))).await.unwrap();
    let seen_after = async |refuses: &[u64], events: u64| {
        *refused.lock().unwrap() = refuses.to_vec();
        for _ in 0..events {
            deposit(&store, "account-1", 1).await;
        }
        registry.wait_until_caught_up(SOON).await.unwrap();
        registry.get::<Fussy>().await.unwrap().seen.clone()
    };
    assert_eq!(seen_after(&[2, 4], 5).await, [1, 3, 5]);
    *refused.lock().unwrap() = Vec::new();
    registry.rebuild("fussy").await.unwrap();
    assert_eq!(seen_after(&[7], 3).await, [1, 2, 3, 4, 5, 6, 8]);
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
async fn the_updates_of_a_rebuild_end_with_how_it_ended() {
    let (_, registry, _) = filled(balances(), 20_000).await;
    let rebuild = registry.begin_rebuild("balances").unwrap();
    let mut all: Vec<_> = rebuild.updates().collect().await;
    let last = all.pop().unwrap();
    assert!(all.len() > 1 && all.iter().all(|progress| !progress.state.is_over()), "{all:?}");
    assert!(matches!(last.state, RebuildState::Finished), "{last:?}");
    assert_eq!((last.events, last.share()), (20_000, 1.0));
    // Who comes late is told the end.
    assert_eq!(rebuild.updates().count().await, 1);

    let rebuild = registry.begin_rebuild("balances").unwrap();
    registry.close().await.unwrap();
    let last = rebuild.updates().collect::<Vec<_>>().await.pop().unwrap();
    assert!(matches!(last.state, RebuildState::Cancelled), "{last:?}");
}

#[tokio::test]
async fn closing_breaks_a_rebuild_off() {
    let (_, registry, expected) = filled(balances(), 30_000).await;
    let rebuild = registry.begin_rebuild("balances").unwrap();
    registry.close().await.unwrap();
    let error = rebuild.clone().finished().await.unwrap_err();
    assert!(matches!(error, ProjectionError::Closed { .. }), "{error:?}");
    assert!(matches!(rebuild.progress().state, RebuildState::Cancelled));
    assert_eq!(*registry.get::<Balances>().await.unwrap(), expected);
}

#[tokio::test]
async fn what_is_closed_is_not_built_anew() {
    let (_, registry, expected) = filled(balances(), 100).await;
    registry.close().await.unwrap();
    let error = registry.rebuild("balances").await.unwrap_err();
    assert!(matches!(error, ProjectionError::Closed { .. }), "{error:?}");
    assert_eq!(*registry.get::<Balances>().await.unwrap(), expected);
}

#[tokio::test]
async fn a_rebuild_that_panics_outside_apply_fails_and_says_so() {
    let is_late = Arc::new(AtomicBool::new(false));
    let make = {
        let is_late = Arc::clone(&is_late);
        move || if is_late.load(Ordering::SeqCst) { panic!("too late") } else { Balances::default() }
    };
    let (_, registry, expected) = filled(Registration::in_memory("balances", make), 100).await;
    is_late.store(true, Ordering::SeqCst);
    let error = registry.rebuild("balances").await.unwrap_err();
    let ProjectionError::RebuildFailed { source, .. } = error else { panic!("{error:?}") };
    assert!(matches!(&source.cause, FaultCause::Panicked(_)), "{source:?}");
    let rebuild = registry.status_of("balances").await.unwrap().rebuild.unwrap();
    assert!(matches!(rebuild.state, RebuildState::Failed(_)), "{rebuild:?}");
    assert_eq!(*registry.get::<Balances>().await.unwrap(), expected);
}

#[tokio::test]
async fn a_rebuild_outlives_that_the_store_is_away_when_the_new_state_is_to_be_stored() {
    let backend = Arc::new(Watched::new());
    let store = EventStore::<Entry, _>::with_backend(Arc::clone(&backend));
    let expected = fill(&store, 100).await;
    let registry = ProjectionRegistry::new(store.clone());
    let at_once = FaultPolicy::stop().with_backoff(Duration::ZERO, Duration::ZERO);
    let balances = Registration::stored("balances", 1, Balances::default).with_faults(at_once);
    registry.add(balances).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    backend.let_snapshots_wait(2);
    registry.rebuild("balances").await.unwrap();
    assert_eq!(*registry.get::<Balances>().await.unwrap(), expected);
}
