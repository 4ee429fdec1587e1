//! Read models on a real server, and what goes wrong there.

use allframe_cqrs::{
    ApplyError, EventStore, FaultPolicy, GlobalPosition, PostgresProjection, PostgresReadModel,
    ProjectionError, ProjectionRegistry, ProjectionState, Recorded, async_trait,
    deadpool_postgres::Transaction,
};

use crate::{
    ledger::{Deposited, SOON, at_once, deposit, until},
    postgres_table::{Balances, all_of},
    schema::Schema,
};

/// Ten deposits, the sixth of which is more than the table takes.
async fn too_much(
    schema: &Schema,
    policy: FaultPolicy,
) -> (EventStore<Deposited>, ProjectionRegistry<Deposited>) {
    let store = EventStore::new();
    deposit(&store, 1..=5).await;
    deposit(&store, 20_000_000..=20_000_000).await;
    deposit(&store, 7..=10).await;
    let registry = ProjectionRegistry::new(store.clone());
    registry.add_outside(schema.balances().registration().with_faults(at_once(policy))).await.unwrap();
    (store, registry)
}

#[tokio::test]
async fn what_lies_before_an_event_that_breaks_a_constraint_is_in() {
    let schema = Schema::made().await;
    let (store, registry) = too_much(&schema, FaultPolicy::stop()).await;
    let error = registry.wait_until_caught_up(SOON).await.unwrap_err();
    let ProjectionError::Stopped { source, .. } = &error else { panic!("{error:?}") };
    assert_eq!((source.position, source.attempts), (GlobalPosition::new(6), 3));
    assert!(String::from(error).contains("violates check constraint"));
    schema.holds_exactly(&all_of(&store).await[..5]).await;

    schema.sql("ALTER TABLE balances DROP CONSTRAINT balances_amount_check").await;
    registry.resume("balances").await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    schema.holds_exactly(&all_of(&store).await).await;
}

#[tokio::test]
async fn an_event_that_is_skipped_is_the_only_one_that_is_missing() {
    let schema = Schema::made().await;
    let (store, registry) = too_much(&schema, FaultPolicy::skip()).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    let mut events = all_of(&store).await;
    events.remove(5);
    schema.holds_exactly(&events).await;
    assert_eq!(registry.status().await.unwrap()[0].events_skipped, 1);
}

#[tokio::test]
async fn an_event_that_is_parked_lies_in_its_table_with_the_reason() {
    let schema = Schema::made().await;
    let (store, registry) = too_much(&schema, FaultPolicy::park()).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    let mut events = all_of(&store).await;
    events.remove(5);
    schema.holds_exactly(&events).await;
    let parked = schema.sql("SELECT name, version, position, reason FROM projection_parked").await;
    let row = &parked[0];
    assert_eq!((parked.len(), row.get(0), row.get(1), row.get(2)), (1, "balances", 1_i64, 6_i64));
    assert!(row.get::<_, &str>(3).contains("violates check constraint"), "{row:?}");
    assert_eq!(registry.status().await.unwrap()[0].events_parked, 1);
}

#[tokio::test]
async fn a_constraint_that_is_looked_at_when_it_is_committed_stops_at_its_event() {
    struct Once;
    #[async_trait]
    impl PostgresProjection for Once {
        type Event = Deposited;
        async fn create(&self, transaction: &Transaction<'_>) -> Result<(), ApplyError> {
            Balances.create(transaction).await
        }
        async fn apply(&self, it: &Transaction<'_>, event: &Recorded<Deposited>) -> Result<(), ApplyError> {
            it.execute("INSERT INTO once VALUES ($1)", &[&event.event.amount]).await?;
            Ok(())
        }
    }
    let (schema, store) = (Schema::made().await, EventStore::new());
    deposit(&store, 1..=4).await;
    deposit(&store, 3..=3).await;
    deposit(&store, 6..=7).await;
    let registry = ProjectionRegistry::new(store);
    let once = PostgresReadModel::new(schema.pool(), "once", 1, Once);
    registry.add_outside(once.registration().with_faults(at_once(FaultPolicy::stop()))).await.unwrap();
    let error = registry.wait_until_caught_up(SOON).await.unwrap_err();
    let ProjectionError::Stopped { source, .. } = error else { panic!("{error:?}") };
    assert_eq!(source.position, GlobalPosition::new(5));
    assert_eq!(schema.number("SELECT count(*) FROM once").await, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_in_the_middle_cost_no_event_and_double_none() {
    let (schema, store) = (Schema::made().await, EventStore::new());
    deposit(&store, 1..=5_000).await;
    let registry = ProjectionRegistry::new(store.clone());
    // One attempt: if an event were blamed, it would be skipped.
    let policy = at_once(FaultPolicy::skip().with_attempts(1));
    registry.add_outside(schema.balances().registration().with_faults(policy)).await.unwrap();
    let cut = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE query LIKE '%INTO balances%' AND state LIKE '%in transaction%' OR query LIKE '%INTO lines%' \
         AND pid <> pg_backend_pid() AND pid IN (SELECT pid FROM pg_locks WHERE relation = '{}.lines'::regclass)",
        schema.name
    );
    let mut cuts = 0;
    until(async || {
        cuts += schema.number(&cut).await;
        cuts >= 5 || registry.status().await.unwrap()[0].lag_events == 0
    })
    .await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert!(cuts > 0, "it was too fast to be cut");
    let status = &registry.status().await.unwrap()[0];
    assert_eq!(status.events_skipped, 0, "{:?}", status.last_error);
    schema.holds_exactly(&all_of(&store).await).await;
    assert!(status.last_error.is_some(), "no cut was noticed");
}

#[tokio::test]
async fn a_row_that_somebody_holds_makes_it_wait_and_try_again() {
    let (schema, store) = (Schema::made().await, EventStore::new());
    let registry = ProjectionRegistry::new(store.clone());
    let impatient = schema.balances().with_answer_timeout(std::time::Duration::from_millis(200));
    let policy = at_once(FaultPolicy::skip().with_attempts(1));
    registry.add_outside(impatient.registration().with_faults(policy)).await.unwrap();
    let mut client = schema.pool().get().await.unwrap();
    let holding = client.transaction().await.unwrap();
    holding.execute("SELECT 1 FROM projection_checkpoints FOR UPDATE", &[]).await.unwrap();
    deposit(&store, 1..=3).await;
    until(async || registry.status().await.unwrap()[0].last_error.is_some()).await;
    assert_ne!(registry.status().await.unwrap()[0].state, ProjectionState::Stopped);
    holding.rollback().await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    schema.holds_exactly(&all_of(&store).await).await;
}
