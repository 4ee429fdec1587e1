//! Projections whose first state several workers build.

use std::{cell::Cell, num::NonZeroUsize};

use allframe_cqrs::{
    ApplyContext, ApplyError, EventStore, ExpectedVersion, FaultPolicy, InMemoryBackend, MergeProjection,
    Projection, ProjectionError, ProjectionRegistry, ProjectionState, RebuildState, Recorded, Registration,
};
use serde::{Deserialize, Serialize};

use crate::ledger::{Balances, Curse, Entry, Fragile, Parts, SOON, append, deposit, fill};

/// From so many positions on it pays.
const MANY: u64 = 10_000;

fn four() -> NonZeroUsize {
    NonZeroUsize::new(4).unwrap()
}

fn parts() -> Registration<Parts> {
    Registration::stored("parts", 1, Parts::default).with_parallel_rebuild(four())
}

fn registry_of(backend: &InMemoryBackend) -> ProjectionRegistry<Entry> {
    ProjectionRegistry::new(EventStore::with_backend(backend.clone()))
}

/// The state once it has come to the end, and by how many it was built.
async fn built(registry: &ProjectionRegistry<Entry>) -> (u64, u64) {
    registry.wait_until_caught_up(SOON).await.unwrap();
    let parts = registry.get::<Parts>().await.unwrap();
    (parts.events, parts.parts)
}

#[tokio::test]
async fn the_first_state_is_empty_and_says_so_until_several_have_built_it() {
    for registration in
        [parts(), Registration::in_memory("parts", Parts::default).with_parallel_rebuild(four())]
    {
        let registry = registry_of(&InMemoryBackend::new());
        fill(registry.store(), MANY).await;
        registry.add(registration).await.unwrap();
        let view = registry.get::<Parts>().await.unwrap();
        assert_eq!((view.events, view.position().get(), view.is_outdated()), (0, 0, true));
        drop(view);
        let status = registry.status_of("parts").await.unwrap();
        assert_eq!((status.state, status.lag_events), (ProjectionState::Replacing, MANY));
        assert!(matches!(status.rebuild.unwrap().state, RebuildState::Running));

        let (events, parts) = built(&registry).await;
        assert!(events == MANY && (2..=4).contains(&parts), "{events} of {parts}");
        assert!(!registry.get::<Parts>().await.unwrap().is_outdated());
        deposit(registry.store(), "account-1", 1).await;
        assert_eq!(built(&registry).await, (MANY + 1, parts));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_several_build_while_events_come_is_what_all_of_them_come_to() {
    let registry = registry_of(&InMemoryBackend::new());
    let mut expected = fill(registry.store(), 3 * MANY).await;
    let balances = Registration::stored("balances", 1, Balances::default);
    registry.add(balances.with_parallel_rebuild(four())).await.unwrap();
    for amount in 1..=200 {
        deposit(registry.store(), "account-7", amount).await;
    }
    *expected.accounts.get_mut("account-7").unwrap() += 20_100;
    expected.events += 200;
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(*registry.get::<Balances>().await.unwrap(), expected);
}

#[tokio::test]
async fn a_short_history_is_applied_by_one_and_can_be_read_as_it_grows() {
    let registry = registry_of(&InMemoryBackend::new());
    fill(registry.store(), MANY - 1).await;
    registry.add(parts()).await.unwrap();
    assert_eq!(registry.status_of("parts").await.unwrap().state, ProjectionState::CatchingUp);
    assert_eq!(built(&registry).await, (MANY - 1, 1));
}

#[tokio::test]
async fn a_version_that_cannot_read_the_old_state_is_built_by_several() {
    let backend = InMemoryBackend::new();
    let registry = registry_of(&backend);
    fill(registry.store(), MANY).await;
    registry.add(Registration::stored("parts", 1, Balances::default)).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    registry.close().await.unwrap();

    let registry = registry_of(&backend);
    let second = Registration::stored("parts", 2, Parts::default).with_parallel_rebuild(four());
    registry.add(second).await.unwrap();
    let (events, parts) = built(&registry).await;
    assert!(events == MANY && parts > 1, "{events} of {parts}");
}

#[tokio::test]
async fn what_was_broken_off_is_built_by_several_again_and_what_was_built_is_kept() {
    let backend = InMemoryBackend::new();
    let registry = registry_of(&backend);
    fill(registry.store(), MANY).await;
    registry.add(parts()).await.unwrap();
    registry.close().await.unwrap();
    assert_eq!(registry.get::<Parts>().await.unwrap().events, 0);

    let registry = registry_of(&backend);
    registry.add(parts()).await.unwrap();
    let (events, parts_put_together) = built(&registry).await;
    assert!(events == MANY && parts_put_together > 1, "{events} of {parts_put_together}");
    assert_eq!(registry.status_of("parts").await.unwrap().stored.unwrap().get(), MANY);

    // As after a kill: nothing was closed.
    let registry = registry_of(&backend);
    registry.add(parts()).await.unwrap();
    assert_eq!(registry.get::<Parts>().await.unwrap().events, MANY);
}

#[tokio::test]
async fn one_that_is_paused_meanwhile_shows_what_was_built_and_goes_on_when_it_is_resumed() {
    let registry = registry_of(&InMemoryBackend::new());
    fill(registry.store(), MANY).await;
    registry.add(parts()).await.unwrap();
    registry.pause("parts").await.unwrap();
    registry.handle::<Parts>().unwrap().begin_rebuild().unwrap().finished().await.unwrap();
    deposit(registry.store(), "account-1", 1).await;
    assert_eq!(registry.get::<Parts>().await.unwrap().events, MANY);
    assert_eq!(registry.status_of("parts").await.unwrap().state, ProjectionState::Paused);
    registry.resume("parts").await.unwrap();
    assert_eq!(built(&registry).await.0, MANY + 1);
}

impl MergeProjection for Fragile {
    fn merge(&mut self, other: Self) {
        self.sum += other.sum;
        self.seen.extend(other.seen);
    }
}

/// Some accounts with deposits of 1, as many as it takes.
async fn deposits(registry: &ProjectionRegistry<Entry>) {
    let mut batch = registry.store().batch();
    for account in 0..10 {
        let some = vec![Entry::Deposited { amount: 1 }; 1_000];
        batch = batch.append(format!("account-{account}"), ExpectedVersion::Any, some);
    }
    batch.commit().await.unwrap();
}

#[tokio::test]
async fn one_that_fails_stands_before_the_event_with_what_is_before_it_and_goes_on_from_there() {
    let registry = registry_of(&InMemoryBackend::new());
    deposits(&registry).await;
    append(registry.store(), "account-1", Entry::Cursed).await;
    deposit(registry.store(), "account-1", 1).await;
    let fragile = Registration::stored("fragile", 1, Fragile::default).with_parallel_rebuild(four());
    registry.add(fragile.with_faults(FaultPolicy::stop().with_attempts(1))).await.unwrap();

    let error = registry.wait_until_caught_up(SOON).await.unwrap_err();
    assert!(matches!(error, ProjectionError::Stopped { .. }), "{error:?}");
    let status = registry.status_of("fragile").await.unwrap();
    assert_eq!((status.state, status.position.get()), (ProjectionState::Stopped, MANY));
    assert!(matches!(status.rebuild.unwrap().state, RebuildState::Failed(_)));
    let view = registry.get::<Fragile>().await.unwrap();
    assert_eq!((view.sum, view.is_outdated()), (MANY, false));
    drop(view);

    Curse::IsLifted.set();
    registry.resume("fragile").await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(registry.get::<Fragile>().await.unwrap().sum, MANY + 1_001);
}

#[tokio::test]
async fn what_is_parked_meanwhile_stays_parked() {
    let registry = registry_of(&InMemoryBackend::new());
    deposits(&registry).await;
    append(registry.store(), "account-1", Entry::Cursed).await;
    let fragile = Registration::stored("fragile", 1, Fragile::default).with_parallel_rebuild(four());
    registry.add(fragile.with_faults(FaultPolicy::park().with_attempts(1))).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    let view = registry.get::<Fragile>().await.unwrap();
    assert_eq!((view.sum, view.parked().len()), (MANY, 1));
}

thread_local! {
    /// How many letters were sent by the test on this thread, and all its tasks.
    static SENT: Cell<u64> = const { Cell::new(0) };
}

/// Sends a letter for every event.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Letters {
    written: u64,
}

impl Projection for Letters {
    type Event = Entry;

    fn apply(&mut self, _event: &Entry) {
        unreachable!("it has effects");
    }

    fn try_apply(&mut self, _event: &Recorded<Entry>, context: &mut ApplyContext) -> Result<(), ApplyError> {
        self.written += 1;
        context.effect(|| async {
            SENT.set(SENT.get() + 1);
            Ok(())
        });
        Ok(())
    }
}

impl MergeProjection for Letters {
    fn merge(&mut self, other: Self) {
        self.written += other.written;
    }
}

#[tokio::test]
async fn only_what_comes_after_the_first_registration_has_effects_though_the_build_was_broken_off() {
    let letters = || Registration::stored("letters", 1, Letters::default).with_parallel_rebuild(four());
    let backend = InMemoryBackend::new();
    let registry = registry_of(&backend);
    fill(registry.store(), MANY).await;
    registry.add(letters()).await.unwrap();
    registry.close().await.unwrap();
    deposit(registry.store(), "account-1", 1).await;

    let registry = registry_of(&backend);
    registry.add(letters()).await.unwrap();
    deposit(registry.store(), "account-1", 1).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!((registry.get::<Letters>().await.unwrap().written, SENT.get()), (MANY + 2, 2));
}
