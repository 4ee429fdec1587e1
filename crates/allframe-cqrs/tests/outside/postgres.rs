//! Read models on a real server: what is in their tables, whoever runs them.

use allframe_cqrs::{
    ApplyError, EventStore, PostgresProjection, PostgresReadModel, ProjectionError, ProjectionRegistry,
    Recorded, async_trait, deadpool_postgres::Transaction,
};

use crate::{
    ledger::{Deposited, SOON, deposit, until},
    postgres_table::{Balances, all_of},
    schema::Schema,
};

async fn registered(store: &EventStore<Deposited>, schema: &Schema) -> ProjectionRegistry<Deposited> {
    let registry = ProjectionRegistry::new(store.clone());
    registry.add_outside(schema.balances().registration()).await.unwrap();
    registry
}

#[tokio::test]
async fn the_rows_are_what_all_events_come_to_after_any_number_of_restarts() {
    let (schema, store) = (Schema::made().await, EventStore::new());
    deposit(&store, 1..=1_500).await;
    for round in 1..=4 {
        let registry = registered(&store, &schema).await;
        deposit(&store, 1_500 + round * 10..=1_509 + round * 10).await;
        registry.wait_until_caught_up(SOON).await.unwrap();
        registry.close().await.unwrap();
        schema.holds_exactly(&all_of(&store).await).await;
    }
    let position = schema.number("SELECT position FROM projection_checkpoints WHERE name = 'balances'").await;
    assert_eq!(position, 1_540);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_make_the_tables_once_and_take_each_event_in_once() {
    let (schema, store) = (Schema::made().await, EventStore::new());
    deposit(&store, 1..=300).await;
    let (one, other) = tokio::join!(registered(&store, &schema), registered(&store, &schema));
    let last = deposit(&store, 301..=900).await;
    one.wait_until(last, SOON).await.unwrap();
    other.wait_until(last, SOON).await.unwrap();
    schema.holds_exactly(&all_of(&store).await).await;
    let (one, other) = (one.status().await.unwrap(), other.status().await.unwrap());
    assert_eq!(one[0].events_applied + other[0].events_applied, 900);
    assert!(one[0].last_error.is_none() && other[0].last_error.is_none());
}

#[tokio::test]
async fn the_next_version_is_built_beside_the_one_that_is_read() {
    struct Doubled;
    #[async_trait]
    impl PostgresProjection for Doubled {
        type Event = Deposited;
        async fn create(&self, transaction: &Transaction<'_>) -> Result<(), ApplyError> {
            Ok(transaction.batch_execute("CREATE TABLE doubled (amount bigint)").await?)
        }
        async fn apply(&self, it: &Transaction<'_>, event: &Recorded<Deposited>) -> Result<(), ApplyError> {
            it.execute("INSERT INTO doubled VALUES ($1::bigint * 2)", &[&event.event.amount]).await?;
            Ok(())
        }
    }
    let (schema, store) = (Schema::made().await, EventStore::new());
    deposit(&store, 1..=10).await;
    let registry = registered(&store, &schema).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    let next = ProjectionRegistry::new(store.clone());
    let doubled = PostgresReadModel::new(schema.pool(), "balances", 2, Doubled);
    next.add_outside(doubled.registration()).await.unwrap();
    next.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(schema.number("SELECT sum(amount)::bigint FROM doubled").await, 110);
    assert_eq!(schema.number("SELECT sum(amount)::bigint FROM lines").await, 55);
    assert_eq!(next.status().await.unwrap()[0].version, 2);
}

#[tokio::test]
async fn the_tables_of_the_toolkit_can_be_in_a_schema_of_their_own() {
    let (schema, beside, store) = (Schema::made().await, Schema::new(), EventStore::new());
    deposit(&store, 1..=10).await;
    let registry = ProjectionRegistry::new(store.clone());
    registry.add_outside(schema.balances().with_schema(&beside.name).registration()).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    schema.holds_exactly(&all_of(&store).await).await;
    assert_eq!(beside.number("SELECT position FROM projection_checkpoints").await, 10);
}

#[tokio::test]
async fn a_row_that_is_taken_away_has_it_begin_again() {
    let (schema, store) = (Schema::made().await, EventStore::new());
    deposit(&store, 1..=10).await;
    let registry = registered(&store, &schema).await;
    registry.wait_until_caught_up(SOON).await.unwrap();
    schema
        .sql("WITH gone AS (DELETE FROM projection_checkpoints RETURNING 1) SELECT count(*) FROM gone")
        .await;
    schema.sql("DROP TABLE lines, balances, once").await;
    deposit(&store, 11..=12).await;
    until(async || {
        let there = schema.number("SELECT count(*) FROM projection_checkpoints WHERE position = 12").await;
        there == 1
    })
    .await;
    schema.holds_exactly(&all_of(&store).await).await;
}

#[tokio::test]
async fn one_whose_tables_cannot_be_made_is_not_registered_and_leaves_nothing() {
    let (schema, store) = (Schema::made().await, EventStore::new());
    schema.sql("CREATE TABLE lines (other text)").await;
    let registry = ProjectionRegistry::<Deposited>::new(store);
    let error = registry.add_outside(schema.balances().registration()).await.unwrap_err();
    assert!(matches!(error, ProjectionError::ReadModel { .. }), "{error:?}");
    let said = String::from(error);
    assert!(said.contains("relation \"lines\" already exists"), "{said}");
    assert_eq!(schema.number("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()").await, 1);
}

#[tokio::test]
async fn a_name_that_would_be_none_for_another_projection_is_refused() {
    let schema = Schema::made().await;
    let registry = ProjectionRegistry::<Deposited>::new(EventStore::new());
    let named = PostgresReadModel::new(schema.pool(), "a\0b", 1, Balances);
    let error = registry.add_outside(named.registration()).await.unwrap_err();
    assert!(matches!(error, ProjectionError::InvalidName { .. }), "{error:?}");
}
