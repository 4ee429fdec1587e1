//! Projections that fail.

use std::{cell::Cell, time::Duration};

use allframe_cqrs::{
    EventStore, FaultCause, FaultPolicy, GlobalPosition, InMemoryBackend, Projection, ProjectionError,
    ProjectionRegistry, ProjectionState, Registration,
    api::{EventStoreBackend, EventType, ExpectedVersion, NewEvent, StreamId},
    event,
};
use serde::{Deserialize, Deserializer, Serialize};

use crate::ledger::{Balances, Curse, Entry, Fragile, SOON, append, deposit};

fn at_once(policy: FaultPolicy) -> FaultPolicy {
    policy.with_backoff(Duration::from_millis(1), Duration::from_millis(1))
}

struct Ledger {
    store: EventStore<Entry>,
    registry: ProjectionRegistry<Entry>,
}

/// Two deposits, a curse at position 3, and two more, with a fragile projection and a sturdy one.
async fn cursed(curse: Curse, stored: bool, policy: FaultPolicy) -> Ledger {
    let store = EventStore::new();
    let registry = ProjectionRegistry::new(store.clone());
    curse.set();
    let fragile = match stored {
        true => Registration::stored("fragile", 1, Fragile::default),
        false => Registration::in_memory("fragile", Fragile::default),
    };
    registry.add(fragile.with_faults(at_once(policy))).await.unwrap();
    registry.add(Registration::in_memory("sturdy", Balances::default)).await.unwrap();
    deposit(&store, "account-1", 1).await;
    deposit(&store, "account-2", 2).await;
    append(&store, "account-1", Entry::Cursed).await;
    deposit(&store, "account-1", 4).await;
    deposit(&store, "account-2", 8).await;
    Ledger { store, registry }
}

#[tokio::test]
async fn one_that_panics_stops_alone_with_its_last_good_state_and_says_where_and_why() {
    let Ledger { registry, .. } = cursed(Curse::Panics, false, FaultPolicy::stop()).await;
    let error = registry.wait_until_caught_up(SOON).await.unwrap_err();
    let ProjectionError::Stopped { name, source } = error else { panic!("{error:?}") };
    assert_eq!((name.as_str(), source.position, source.attempts), ("fragile", GlobalPosition::new(3), 3));
    assert_eq!(source.stream.as_ref().map(StreamId::as_str), Some("account-1"));
    assert!(
        matches!(&source.cause, FaultCause::Panicked(panicked) if panicked.message == "a curse"),
        "{source:?}"
    );

    let view = registry.get::<Fragile>().await.unwrap();
    assert_eq!((view.sum, view.seen.as_slice(), view.position()), (3, &[1, 2][..], GlobalPosition::new(2)));
    drop(view);
    let sturdy = registry.handle::<Balances>().unwrap();
    sturdy.wait_until(GlobalPosition::new(5), SOON).await.unwrap();
    assert_eq!(sturdy.read().await.unwrap().events, 5);
    assert_eq!(registry.status_of("fragile").await.unwrap().state, ProjectionState::Stopped);
    assert_eq!(registry.status_of("sturdy").await.unwrap().state, ProjectionState::Live);
}

#[tokio::test]
async fn an_error_is_told_with_its_words() {
    let Ledger { registry, .. } = cursed(Curse::Fails, true, FaultPolicy::stop().with_attempts(1)).await;
    let error = registry.wait_until_caught_up(SOON).await.unwrap_err();
    assert_eq!(
        String::from(error),
        "projection `fragile` has stopped; mend the cause and resume it, or pass the event over by policy: the event at \
         position 3 of stream `account-1` could not be applied (attempts: 1): the projection refused it: a curse"
    );
}

#[tokio::test]
async fn one_that_was_mended_is_resumed_and_goes_on_with_the_event() {
    for stored in [false, true] {
        let Ledger { registry, .. } =
            cursed(Curse::Panics, stored, FaultPolicy::stop().with_attempts(2)).await;
        registry.wait_until_caught_up(SOON).await.unwrap_err();
        Curse::IsLifted.set();
        registry.resume("fragile").await.unwrap();
        registry.wait_until_caught_up(SOON).await.unwrap();
        let view = registry.get::<Fragile>().await.unwrap();
        assert_eq!((view.sum, view.seen.as_slice()), (1_015, &[1, 2, 3, 4, 5][..]));
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_again_after_a_while_that_doubles() {
    let policy =
        FaultPolicy::stop().with_attempts(100).with_backoff(Duration::from_secs(1), Duration::from_secs(60));
    let store = EventStore::new();
    let registry = ProjectionRegistry::new(store.clone());
    registry.add(Registration::in_memory("fragile", Fragile::default).with_faults(policy)).await.unwrap();
    let begun = tokio::time::Instant::now();
    append(&store, "account-1", Entry::Cursed).await;
    let handle = registry.handle::<Fragile>().unwrap();
    // Tried after 0, 1, 3 and 7 seconds.
    let late = handle.wait_until(GlobalPosition::new(1), Duration::from_secs(5)).await.unwrap_err();
    assert!(matches!(late, ProjectionError::TimedOut { .. }), "{late:?}");
    assert_eq!(handle.status().await.unwrap().state, ProjectionState::Retrying);
    assert_eq!(handle.status().await.unwrap().last_error.unwrap().attempts, 3);
    Curse::IsLifted.set();
    handle.wait_until(GlobalPosition::new(1), SOON).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 7);
}

#[tokio::test]
async fn what_is_skipped_is_counted_and_left_out() {
    for curse in [Curse::Fails, Curse::Panics] {
        let Ledger { registry, store } = cursed(curse, true, FaultPolicy::skip()).await;
        append(&store, "account-1", Entry::Cursed).await;
        deposit(&store, "account-1", 16).await;
        registry.wait_until_caught_up(SOON).await.unwrap();
        let view = registry.get::<Fragile>().await.unwrap();
        assert_eq!((view.sum, view.seen.as_slice()), (31, &[1, 2, 4, 5, 7][..]));
        let status = registry.status_of("fragile").await.unwrap();
        assert_eq!((status.events_skipped, status.events_parked), (2, 0));
        assert_eq!(status.last_error.unwrap().position, GlobalPosition::new(6));
    }
}

#[tokio::test]
async fn what_is_parked_is_kept_with_the_state_and_listed_after_a_restart() {
    let Ledger { registry, store } = cursed(Curse::Panics, true, FaultPolicy::park()).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    registry.close().await.unwrap();

    let registry = ProjectionRegistry::new(store);
    registry.add(Registration::stored("fragile", 1, Fragile::default)).await.unwrap();
    let view = registry.get::<Fragile>().await.unwrap();
    assert_eq!(view.sum, 15);
    assert_eq!(view.parked().len(), 1);
    let parked = &view.parked()[0];
    assert_eq!((parked.position, parked.reason.as_str()), (GlobalPosition::new(3), "it panicked: a curse"));
    assert_eq!(registry.status_of("fragile").await.unwrap().events_parked, 1);
}

#[tokio::test]
async fn what_was_parked_is_taken_in_by_a_rebuild_once_it_can_be() {
    let Ledger { registry, .. } = cursed(Curse::Panics, true, FaultPolicy::park()).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    Curse::IsLifted.set();
    registry.rebuild("fragile").await.unwrap();
    let view = registry.get::<Fragile>().await.unwrap();
    assert_eq!((view.sum, view.parked().len()), (1_015, 0));
}

#[tokio::test]
async fn a_rebuild_that_fails_leaves_the_old_state_serving() {
    let Ledger { registry, store } = cursed(Curse::Panics, true, FaultPolicy::stop().with_attempts(1)).await;
    Curse::IsLifted.set();
    registry.wait_until_caught_up(SOON).await.unwrap();
    Curse::Panics.set();

    let error = registry.rebuild("fragile").await.unwrap_err();
    let ProjectionError::RebuildFailed { source, .. } = error else { panic!("{error:?}") };
    assert_eq!(source.position, GlobalPosition::new(3));
    assert_eq!(registry.get::<Fragile>().await.unwrap().sum, 1_015);
    let position = deposit(&store, "account-1", 1).await;
    registry.wait_until(position, SOON).await.unwrap();
    assert_eq!(registry.get::<Fragile>().await.unwrap().sum, 1_016);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_stops_a_projection_as_one_that_fails() {
    let backend = InMemoryBackend::new();
    let store = EventStore::<Entry, _>::with_backend(backend.clone());
    deposit(&store, "account-1", 1).await;
    let garbage = NewEvent::new(EventType::new("Deposited").unwrap(), "no json")
        .with_encoding(allframe_cqrs::PayloadCodec::Json.encoding());
    backend.append(&StreamId::new("account-1").unwrap(), ExpectedVersion::Any, vec![garbage]).await.unwrap();
    deposit(&store, "account-1", 4).await;

    let registry = ProjectionRegistry::new(store);
    let registration = |name: &str| Registration::in_memory(name, Balances::default);
    registry.add(registration("stops").with_faults(at_once(FaultPolicy::stop()))).await.unwrap();
    registry.add(registration("parks").with_faults(at_once(FaultPolicy::park()))).await.unwrap();
    let head = GlobalPosition::new(3);
    let parks = registry.handle_named::<Balances>("parks").unwrap();
    parks.wait_until(head, SOON).await.unwrap();
    assert_eq!(parks.read().await.unwrap().accounts["account-1"], 5);
    let stops = registry.handle_named::<Balances>("stops").unwrap();
    let error = stops.wait_until(head, SOON).await.unwrap_err();
    let ProjectionError::Stopped { source, .. } = error else { panic!("{error:?}") };
    assert!(matches!(source.cause, FaultCause::Unreadable(_)), "{source:?}");
    assert_eq!(stops.read().await.unwrap().accounts["account-1"], 1);
}

#[tokio::test]
async fn one_registered_as_a_value_says_that_its_state_is_lost_when_it_fails_halfway() {
    let store = EventStore::new();
    let registry = ProjectionRegistry::new(store.clone());
    registry.register("fragile", Fragile::default()).await.unwrap();
    deposit(&store, "account-1", 1).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(registry.get::<Fragile>().await.unwrap().sum, 1);
    let error = registry.rebuild("fragile").await.unwrap_err();
    assert!(matches!(error, ProjectionError::CannotRebuild { .. }), "{error:?}");

    append(&store, "account-1", Entry::Cursed).await;
    registry.wait_until_caught_up(SOON).await.unwrap_err();
    let error = registry.get::<Fragile>().await.unwrap_err();
    let ProjectionError::HalfApplied { source, .. } = error else { panic!("{error:?}") };
    assert_eq!(source.position, GlobalPosition::new(2));
}

#[tokio::test]
async fn what_another_process_has_stored_further_on_is_no_state_before_the_failed_event() {
    let backend = InMemoryBackend::new();
    let registry_of = async || {
        let registry = ProjectionRegistry::new(EventStore::<Entry, _>::with_backend(backend.clone()));
        let once = FaultPolicy::stop().with_attempts(1);
        registry.add(Registration::stored("fragile", 1, Fragile::default).with_faults(once)).await.unwrap();
        registry
    };
    let behind = registry_of().await;
    deposit(behind.store(), "account-1", 1).await;
    deposit(behind.store(), "account-1", 2).await;
    behind.wait_until_caught_up(SOON).await.unwrap();
    behind.pause("fragile").await.unwrap();
    append(behind.store(), "account-1", Entry::Cursed).await;
    deposit(behind.store(), "account-1", 4).await;

    Curse::IsLifted.set();
    let ahead = registry_of().await;
    ahead.wait_until_caught_up(SOON).await.unwrap();
    ahead.close().await.unwrap();

    Curse::Panics.set();
    behind.resume("fragile").await.unwrap();
    behind.wait_until_caught_up(SOON).await.unwrap_err();
    assert_eq!(behind.get::<Fragile>().await.unwrap().seen, [1, 2]);
    Curse::IsLifted.set();
    behind.resume("fragile").await.unwrap();
    behind.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(behind.get::<Fragile>().await.unwrap().seen, [1, 2, 3, 4]);
}

#[tokio::test]
async fn many_faults_in_a_long_history_do_not_cost_the_history_each() {
    #[derive(Clone, Default)]
    struct Picky {
        calls: std::sync::Arc<std::sync::atomic::AtomicU64>,
        applied: u64,
    }
    impl Projection for Picky {
        type Event = Entry;
        fn apply(&mut self, event: &Entry) {
            self.calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            assert!(!matches!(event, Entry::Cursed));
            self.applied += 1;
        }
    }
    let store = EventStore::new();
    for _ in 0..100 {
        crate::ledger::fill(&store, 100).await;
        append(&store, "account-1", Entry::Cursed).await;
    }
    let registry = ProjectionRegistry::new(store);
    let picky = Picky::default();
    let calls = picky.calls.clone();
    let faults = at_once(FaultPolicy::skip().with_attempts(2));
    registry.add(Registration::in_memory("picky", move || picky.clone()).with_faults(faults)).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(registry.get::<Picky>().await.unwrap().applied, 10_000);
    // Once each, once more each to take the failed event back, and the failed ones twice.
    let calls = calls.load(std::sync::atomic::Ordering::Relaxed);
    assert!(calls <= 20_200, "{calls} calls");
}

#[tokio::test]
async fn a_state_that_cannot_be_copied_is_made_again_where_an_event_fails() {
    #[derive(Default)]
    struct Unique {
        sum: u64,
    }
    impl Clone for Unique {
        fn clone(&self) -> Self {
            panic!("there is one of it")
        }
    }
    impl Projection for Unique {
        type Event = Entry;
        fn apply(&mut self, event: &Entry) {
            match event {
                Entry::Deposited { amount } => self.sum += amount,
                _ => panic!("a curse"),
            }
        }
    }
    let store = EventStore::new();
    let registry = ProjectionRegistry::new(store.clone());
    let skip = FaultPolicy::skip().with_attempts(2).with_backoff(Duration::ZERO, Duration::ZERO);
    registry.add(Registration::in_memory("unique", Unique::default).with_faults(skip)).await.unwrap();
    deposit(&store, "account-1", 1).await;
    append(&store, "account-1", Entry::Cursed).await;
    let last = deposit(&store, "account-1", 2).await;
    registry.wait_until(last, SOON).await.unwrap();
    assert_eq!(registry.get::<Unique>().await.unwrap().sum, 3);
    assert_eq!(registry.status_of("unique").await.unwrap().events_skipped, 1);
}

#[tokio::test]
async fn a_wait_beyond_all_clocks_is_a_long_one() {
    let store = EventStore::new();
    let registry = ProjectionRegistry::new(store.clone());
    let for_ever = FaultPolicy::stop().with_backoff(Duration::MAX, Duration::MAX);
    registry.add(Registration::in_memory("fragile", Fragile::default).with_faults(for_ever)).await.unwrap();
    append(&store, "account-1", Entry::Cursed).await;
    let retrying = async {
        loop {
            let state = registry.status_of("fragile").await.unwrap().state;
            if matches!(state, ProjectionState::Retrying | ProjectionState::Closed) {
                return state;
            }
            tokio::task::yield_now().await;
        }
    };
    assert_eq!(crate::support::soon(retrying).await, ProjectionState::Retrying);
}

thread_local! {
    /// Whether `Fussy` panics when it is read.
    static IS_FUSSY: Cell<bool> = const { Cell::new(false) };
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
struct Fussy {
    #[serde(deserialize_with = "fussy")]
    amount: u64,
}

fn fussy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let amount = u64::deserialize(deserializer)?;
    assert!(!IS_FUSSY.get() || amount < 10, "too large");
    Ok(amount)
}

#[tokio::test]
async fn an_event_whose_deserialize_panics_is_one_that_cannot_be_read() {
    #[derive(Clone, Default)]
    struct Sum {
        sum: u64,
    }
    impl Projection for Sum {
        type Event = Fussy;
        fn apply(&mut self, event: &Fussy) {
            self.sum += event.amount;
        }
    }
    let store = EventStore::new();
    store.append("account-1", vec![Fussy { amount: 1 }, Fussy { amount: 10 }]).await.unwrap();
    IS_FUSSY.set(true);
    let registry = ProjectionRegistry::new(store.clone());
    let stop = at_once(FaultPolicy::stop());
    registry.add(Registration::in_memory("sum", Sum::default).with_faults(stop)).await.unwrap();
    let error = registry.wait_until_caught_up(SOON).await.unwrap_err();
    let ProjectionError::Stopped { source, .. } = &error else { panic!("{error:?}") };
    assert!(matches!(source.cause, FaultCause::Unreadable(_)), "{source:?}");
    assert_eq!(source.position, GlobalPosition::new(2));
    assert!(String::from(error).ends_with("it panicked: too large"));
    assert_eq!(registry.get::<Sum>().await.unwrap().sum, 1);
}
