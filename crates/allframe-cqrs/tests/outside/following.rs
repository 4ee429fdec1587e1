//! A read model outside as one projection among others.

use allframe_cqrs::{
    Consistency, EventStore, GlobalPosition, InMemoryBackend, Projection, ProjectionError,
    ProjectionRegistry, ProjectionState,
    api::{EventStoreBackend, EventType, ExpectedVersion, NewEvent, StreamId},
};

use crate::{
    database::Database,
    ledger::{Deposited, SOON, deposit, until},
};

async fn registered(store: &EventStore<Deposited>, database: &Database) -> ProjectionRegistry<Deposited> {
    let registry = ProjectionRegistry::new(store.clone());
    registry.add_outside(database.registration()).await.unwrap();
    registry
}

#[tokio::test]
async fn history_is_taken_in_by_batches_and_what_comes_after_it_too() {
    let (store, database) = (EventStore::new(), Database::default());
    deposit(&store, 1..=100).await;
    let registry = registered(&store, &database).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(database.content().transactions, [100]);

    let last = deposit(&store, 101..=103).await;
    registry.wait_for("deposits", last, SOON).await.unwrap();
    assert_eq!(database.amounts(), (1..=103).collect::<Vec<_>>());
    let status = registry.status_of("deposits").await.unwrap();
    assert_eq!((status.position, status.stored, status.events_applied), (last, Some(last), 103));
    assert_eq!((status.version, status.lag_events), (1, 0));
}

#[tokio::test]
async fn after_a_restart_it_goes_on_from_where_its_database_stands() {
    let (store, database) = (EventStore::new(), Database::default());
    deposit(&store, 1..=10).await;
    for round in 1..=5 {
        let registry = registered(&store, &database).await;
        deposit(&store, round * 10 + 1..=round * 10 + 10).await;
        registry.wait_until_caught_up(SOON).await.unwrap();
        registry.close().await.unwrap();
    }
    assert_eq!(database.amounts(), (1..=60).collect::<Vec<_>>());
}

#[tokio::test]
async fn one_that_is_paused_takes_nothing_in_until_it_is_resumed() {
    let (store, database) = (EventStore::new(), Database::default());
    let registry = registered(&store, &database).await;
    registry.pause("deposits").await.unwrap();
    let last = deposit(&store, 1..=3).await;
    let error = registry.wait_for("deposits", last, SOON).await.unwrap_err();
    assert!(matches!(error, ProjectionError::Paused { .. }), "{error:?}");
    assert!(database.amounts().is_empty());
    registry.resume("deposits").await.unwrap();
    registry.wait_for("deposits", last, SOON).await.unwrap();
    assert_eq!(database.amounts(), [1, 2, 3]);
}

#[tokio::test]
async fn an_append_waits_for_one_that_is_inline() {
    let (store, database) = (EventStore::new(), Database::default());
    let registry = ProjectionRegistry::new(store.clone());
    registry.add_outside(database.registration().with_consistency(Consistency::Inline)).await.unwrap();
    for amount in 1..=20 {
        deposit(&store, amount..=amount).await;
        assert_eq!(database.amounts().last(), Some(&amount));
    }
}

#[tokio::test]
async fn two_processes_on_one_read_model_take_each_event_in_once() {
    let (store, database) = (EventStore::new(), Database::default());
    let one = registered(&store, &database).await;
    let other = registered(&store, &database).await;
    let depositing = deposit(&store, 1..=500);
    let (last, ()) = tokio::join!(depositing, async {
        // Whichever it is, one of them is taken by surprise.
        until(async || database.amounts().len() > 250).await;
        one.pause("deposits").await.unwrap();
    });
    one.resume("deposits").await.unwrap();
    one.wait_until(last, SOON).await.unwrap();
    other.wait_until(last, SOON).await.unwrap();
    assert_eq!(database.amounts(), (1..=500).collect::<Vec<_>>());
}

#[tokio::test]
async fn events_of_other_types_cost_no_transaction_each_and_are_behind_it_when_it_is_closed() {
    let backend = InMemoryBackend::new();
    let store = EventStore::<Deposited, _>::with_backend(backend.clone());
    let database = Database::default();
    let registry = ProjectionRegistry::new(store);
    registry.add_outside(database.registration()).await.unwrap();
    let stream = StreamId::new("weather").unwrap();
    for _ in 0..50 {
        let rained = NewEvent::new(EventType::new("Rained").unwrap(), "");
        let appended = backend.append(&stream, ExpectedVersion::Any, vec![rained]).await.unwrap();
        registry.wait_until(appended.last_position, SOON).await.unwrap();
    }
    assert!(database.content().transactions.is_empty());
    registry.close().await.unwrap();
    assert_eq!(database.content().position, GlobalPosition::new(50));
    assert_eq!(database.content().transactions, [0]);
}

#[tokio::test]
async fn it_is_not_found_by_type_and_not_built_anew_in_its_place() {
    #[derive(Debug)]
    struct Other;
    impl Projection for Other {
        type Event = Deposited;
        fn apply(&mut self, _: &Deposited) {}
    }
    let (store, database) = (EventStore::new(), Database::default());
    let registry = registered(&store, &database).await;
    assert_eq!(registry.names(), ["deposits"]);
    assert!(matches!(registry.get::<Other>().await.unwrap_err(), ProjectionError::NotRegistered { .. }));
    let error = registry.handle_named::<Other>("deposits").unwrap_err();
    assert!(matches!(error, ProjectionError::OtherType { .. }), "{error:?}");
    assert_eq!(
        registry.rebuild("deposits").await.unwrap_err().to_string(),
        "projection `deposits` cannot be built anew where it is: register a value with a `Registration`, which can make as \
         many as it takes, and a read model in a database under a new name or version, beside this one"
    );
    assert!(matches!(
        registry.status_of("deposits").await.unwrap().state,
        ProjectionState::Live | ProjectionState::CatchingUp
    ));
}

#[tokio::test]
async fn one_that_is_ahead_of_its_store_is_refused() {
    let database = Database::default();
    database.content().position = GlobalPosition::new(7);
    let registry = ProjectionRegistry::new(EventStore::new());
    let error = registry.add_outside(database.registration()).await.unwrap_err();
    let ProjectionError::AheadOfStore { position, head, .. } = error else { panic!("{error:?}") };
    assert_eq!((position, head), (GlobalPosition::new(7), GlobalPosition::START));
}

#[tokio::test]
async fn a_database_that_was_restored_from_a_backup_gets_again_what_it_has_lost() {
    let (store, database) = (EventStore::new(), Database::default());
    let registry = registered(&store, &database).await;
    let backup = deposit(&store, 1..=3).await;
    registry.wait_until(backup, SOON).await.unwrap();
    deposit(&store, 4..=6).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    {
        let mut content = database.content();
        content.rows.truncate(3);
        content.position = backup;
    }
    deposit(&store, 7..=7).await;
    until(async || database.amounts().contains(&7)).await;
    assert_eq!(database.amounts(), (1..=7).collect::<Vec<_>>());
}
