//! Events that a read model outside does not take in.

use allframe_cqrs::{
    EventStore, FaultCause, FaultPolicy, GlobalPosition, InMemoryBackend, ProjectionError,
    ProjectionRegistry,
    api::{EventStoreBackend, EventType, ExpectedVersion, NewEvent, StreamId},
};

use crate::{
    database::Database,
    ledger::{Deposited, SOON, at_once, deposit},
};

/// Ten deposits, of which the database refuses that of 6.
async fn refused(policy: FaultPolicy) -> (ProjectionRegistry<Deposited>, Database) {
    let (store, database) = (EventStore::new(), Database::default());
    database.content().refuses = Some(6);
    deposit(&store, 1..=10).await;
    let registry = ProjectionRegistry::new(store);
    registry.add_outside(database.registration().with_faults(at_once(policy))).await.unwrap();
    (registry, database)
}

#[tokio::test]
async fn what_lies_before_a_refused_event_is_in_and_nothing_of_it_or_behind_it() {
    let (registry, database) = refused(FaultPolicy::stop().with_attempts(2)).await;
    let error = registry.wait_until_caught_up(SOON).await.unwrap_err();
    assert_eq!(
        String::from(error),
        "projection `deposits` has stopped; mend the cause and resume it, or pass the event over by policy: the event at \
         position 6 of stream `account-1` could not be applied (attempts: 2): the projection refused it: no room for 6"
    );
    assert_eq!(database.amounts(), [1, 2, 3, 4, 5]);
    assert_eq!(database.content().position, GlobalPosition::new(5));
    // The batch, then one by one; the second attempt is at the one event.
    assert_eq!(database.content().transactions, [10, 1, 1, 1, 1, 1, 1, 1]);
}

#[tokio::test]
async fn one_that_was_mended_is_resumed_at_the_event() {
    let (registry, database) = refused(FaultPolicy::stop()).await;
    registry.wait_until_caught_up(SOON).await.unwrap_err();
    database.content().refuses = None;
    registry.resume("deposits").await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(database.amounts(), (1..=10).collect::<Vec<_>>());
    // Those behind it come together again.
    assert_eq!(database.content().transactions.last(), Some(&4));
}

#[tokio::test]
async fn what_is_skipped_is_left_out_and_the_position_is_past_it() {
    let (registry, database) = refused(FaultPolicy::skip()).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(database.amounts(), [1, 2, 3, 4, 5, 7, 8, 9, 10]);
    let status = registry.status_of("deposits").await.unwrap();
    assert_eq!((status.events_skipped, status.events_parked), (1, 0));
    assert_eq!(database.content().position, GlobalPosition::new(10));
}

#[tokio::test]
async fn what_is_parked_is_kept_in_the_database_and_counted_after_a_restart() {
    let (registry, database) = refused(FaultPolicy::park()).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(database.amounts(), [1, 2, 3, 4, 5, 7, 8, 9, 10]);
    assert_eq!(database.content().parked[0].position, GlobalPosition::new(6));
    assert_eq!(database.content().parked[0].reason, "the projection refused it: no room for 6");
    assert_eq!(registry.status_of("deposits").await.unwrap().events_parked, 1);
    registry.close().await.unwrap();

    let again = ProjectionRegistry::new(registry.store().clone());
    again.add_outside(database.registration()).await.unwrap();
    assert_eq!(again.status_of("deposits").await.unwrap().events_parked, 1);
}

#[tokio::test]
async fn a_panic_is_a_refusal() {
    let (registry, database) = refused(FaultPolicy::stop().with_attempts(1)).await;
    database.content().refuses = None;
    database.content().panics = Some(6);
    let error = registry.wait_until_caught_up(SOON).await.unwrap_err();
    let ProjectionError::Stopped { source, .. } = error else { panic!("{error:?}") };
    assert_eq!(source.position, GlobalPosition::new(6));
    assert!(matches!(source.cause, FaultCause::Panicked(_)), "{source:?}");
    assert_eq!(database.amounts(), [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_parked_like_one_that_is_refused() {
    let backend = InMemoryBackend::new();
    let store = EventStore::<Deposited, _>::with_backend(backend.clone());
    deposit(&store, 1..=3).await;
    let garbage = NewEvent::new(EventType::new("Deposited").unwrap(), "no json")
        .with_encoding(allframe_cqrs::PayloadCodec::Json.encoding());
    backend.append(&StreamId::new("account-1").unwrap(), ExpectedVersion::Any, vec![garbage]).await.unwrap();
    deposit(&store, 4..=6).await;
    let (registry, database) = (ProjectionRegistry::new(store), Database::default());
    let registration = database.registration().with_faults(at_once(FaultPolicy::park()));
    registry.add_outside(registration).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(database.amounts(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(database.content().parked[0].position, GlobalPosition::new(4));
}
