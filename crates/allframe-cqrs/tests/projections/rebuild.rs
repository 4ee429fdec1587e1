//! Projections that are built anew.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use allframe_cqrs::{
    EventStore, FaultCause, FaultPolicy, ProjectionError, ProjectionRegistry, ProjectionState, RebuildState,
    Registration,
};

use crate::{
    ledger::{Balances, Entry, SOON, deposit, fill},
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
