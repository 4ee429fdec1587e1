//! Databases that do not answer.

use allframe_cqrs::{
    EventStore, FaultCause, FaultPolicy, GlobalPosition, ProjectionError, ProjectionRegistry, ProjectionState,
};

use crate::{
    database::{Database, Weather},
    ledger::{SOON, at_once, deposit, until},
};

#[tokio::test]
async fn an_outage_is_waited_out_and_no_event_is_skipped_for_it() {
    let (store, database) = (EventStore::new(), Database::default());
    let registry = ProjectionRegistry::new(store.clone());
    let policy = at_once(FaultPolicy::skip().with_attempts(1));
    registry.add_outside(database.registration().with_faults(policy)).await.unwrap();
    deposit(&store, 1..=3).await;
    registry.wait_until_caught_up(SOON).await.unwrap();

    database.content().weather = Weather::Down;
    deposit(&store, 4..=6).await;
    until(async || {
        let fault = registry.status_of("deposits").await.unwrap().last_error;
        fault.is_some_and(|fault| fault.attempts >= 3 && matches!(fault.cause, FaultCause::ReadModel(_)))
    })
    .await;
    let status = registry.status_of("deposits").await.unwrap();
    assert!(matches!(status.state, ProjectionState::Retrying | ProjectionState::CatchingUp), "{status:?}");
    assert_eq!((status.position, status.events_skipped), (GlobalPosition::new(3), 0));

    database.content().weather = Weather::Fair;
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(database.amounts(), [1, 2, 3, 4, 5, 6]);
    until(async || registry.status_of("deposits").await.unwrap().state == ProjectionState::Live).await;
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_not_made_twice() {
    for compares_nothing in [false, true] {
        let (store, database) = (EventStore::new(), Database::default());
        database.content().compares_nothing = compares_nothing;
        let registry = ProjectionRegistry::new(store.clone());
        registry
            .add_outside(database.registration().with_faults(at_once(FaultPolicy::stop())))
            .await
            .unwrap();
        database.content().weather = Weather::LosesAnswers;
        for amount in 1..=10 {
            let position = deposit(&store, amount..=amount).await;
            registry.wait_for("deposits", position, SOON).await.unwrap();
        }
        assert_eq!(database.amounts(), (1..=10).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn an_event_that_is_parked_with_the_answer_lost_is_parked_once() {
    let (store, database) = (EventStore::new(), Database::default());
    let registry = ProjectionRegistry::new(store.clone());
    database.content().refuses = Some(2);
    database.content().weather = Weather::LosesAnswers;
    deposit(&store, 1..=3).await;
    let policy = at_once(FaultPolicy::park().with_attempts(1));
    registry.add_outside(database.registration().with_faults(policy)).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(database.amounts(), [1, 3]);
    assert_eq!(database.content().parked.len(), 1);
    assert_eq!(registry.status_of("deposits").await.unwrap().events_parked, 1);
}

#[tokio::test]
async fn a_database_that_is_down_when_it_is_registered_is_an_error_that_says_so() {
    let database = Database::default();
    database.content().weather = Weather::Down;
    let registry = ProjectionRegistry::new(EventStore::new());
    let error = registry.add_outside(database.registration()).await.unwrap_err();
    assert!(matches!(error, ProjectionError::ReadModel { .. }), "{error:?}");
    assert_eq!(
        String::from(error),
        "the read model of projection `deposits` could not be opened: its read model failed: the cable is out"
    );
    // The name is free, for another try.
    database.content().weather = Weather::Fair;
    registry.add_outside(database.registration()).await.unwrap();
}
