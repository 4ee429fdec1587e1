//! A read model in tables of a real server.

use std::{collections::BTreeMap, time::Duration};

use allframe_cqrs::{
    ApplyError, EventFilter, EventStore, EventStoreBackend, GlobalPosition, PostgresProjection,
    PostgresReadModel, Recorded, async_trait,
    deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Transaction},
    tokio_postgres::{Config, NoTls},
};

use crate::{
    ledger::Deposited,
    schema::{Schema, server},
};

/// What every account holds, and a line for every event: without a key, so that an event taken in twice has two.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Balances;

pub(crate) const CREATE: &str = "CREATE TABLE balances (account text PRIMARY KEY, amount bigint NOT NULL CHECK (amount < 10000000)); \
    CREATE TABLE lines (position bigint NOT NULL, amount bigint NOT NULL); \
    CREATE TABLE once (amount bigint PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)";

#[async_trait]
impl PostgresProjection for Balances {
    type Event = Deposited;

    async fn create(&self, transaction: &Transaction<'_>) -> Result<(), ApplyError> {
        Ok(transaction.batch_execute(CREATE).await?)
    }

    async fn apply(
        &self,
        transaction: &Transaction<'_>,
        event: &Recorded<Deposited>,
    ) -> Result<(), ApplyError> {
        let line = transaction.prepare_cached("INSERT INTO lines VALUES ($1, $2)").await?;
        let position = i64::try_from(event.position().get())?;
        transaction.execute(&line, &[&position, &event.event.amount]).await?;
        let balance = transaction
            .prepare_cached(
                "INSERT INTO balances VALUES ($1, $2) \
                 ON CONFLICT (account) DO UPDATE SET amount = balances.amount + excluded.amount",
            )
            .await?;
        transaction.execute(&balance, &[&event.stream().as_str(), &event.event.amount]).await?;
        Ok(())
    }
}

impl Schema {
    /// One in which tables can be made.
    pub(crate) async fn made() -> Self {
        let schema = Self::new();
        schema.sql(&format!("CREATE SCHEMA {}", schema.name)).await;
        schema
    }

    /// Connections that work in it.
    pub(crate) fn pool(&self) -> Pool {
        pool_in(self.name.as_str())
    }

    pub(crate) fn balances(&self) -> PostgresReadModel<Balances> {
        PostgresReadModel::new(self.pool(), "balances", 1, Balances)
    }

    pub(crate) async fn number(&self, query: &str) -> i64 {
        self.sql(query).await.first().unwrap().get(0)
    }

    /// The rows are what these events come to, each counted once.
    pub(crate) async fn holds_exactly(&self, events: &[Recorded<Deposited>]) {
        let lines = self.sql("SELECT position, amount FROM lines ORDER BY position").await;
        let lines: Vec<(i64, i64)> = lines.iter().map(|row| (row.get(0), row.get(1))).collect();
        let folded: Vec<(i64, i64)> =
            events.iter().map(|it| (i64::try_from(it.position().get()).unwrap(), it.event.amount)).collect();
        let differs = lines.iter().zip(&folded).position(|(line, event)| line != event);
        assert_eq!(
            (lines.len(), differs),
            (folded.len(), None),
            "of which {:?}",
            differs.and_then(|at| lines.get(at))
        );
        let balances = self.sql("SELECT account, amount FROM balances").await;
        let balances: BTreeMap<String, i64> = balances.iter().map(|row| (row.get(0), row.get(1))).collect();
        let mut folded = BTreeMap::new();
        for event in events {
            *folded.entry(event.stream().to_string()).or_default() += event.event.amount;
        }
        assert_eq!(balances, folded);
    }
}

pub(crate) fn pool_in(schema: &str) -> Pool {
    let mut config: Config = server().parse().unwrap();
    config.options(format!("-c search_path={schema}"));
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    Pool::builder(Manager::from_config(config, NoTls, recycling))
        .max_size(2)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(Duration::from_secs(30)))
        .build()
        .unwrap()
}

/// Everything a store has.
pub(crate) async fn all_of<B: EventStoreBackend>(
    store: &EventStore<Deposited, B>,
) -> Vec<Recorded<Deposited>> {
    let mut events = Vec::new();
    let mut reader = store.catch_up(GlobalPosition::START, EventFilter::all());
    while let Some(event) = reader.next_stored().await.unwrap() {
        events.push(event);
    }
    events
}
