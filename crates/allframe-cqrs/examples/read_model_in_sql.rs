//! A museum counts its visitors with SQL: a read model in tables of PostgreSQL, exact also where a process is killed in between.
//!
//! ```sh
//! cargo run -p allframe-cqrs --example read_model_in_sql --features postgres -- postgresql://localhost/app
//! ```
//!
//! Events are in the schema `museum`, and so are the tables of the read model: `SELECT * FROM museum.rooms`. The rows and the position
//! up to which events are in them change in one transaction. Each run adds a day. docs/projections.md has the rest.

#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use std::time::Duration;

use allframe_cqrs::{
    ApplyError, EventStore, EventStoreBackend as _, FaultPolicy, PostgresBackend, PostgresConfig,
    PostgresProjection, PostgresReadModel, ProjectionRegistry, Recorded, SchemaName, async_trait,
    deadpool_postgres::{Manager, Pool, Transaction},
    event,
    tokio_postgres::{Config, NoTls},
};
use anyhow::Context as _;
use serde::{Deserialize, Serialize};

const SCHEMA: &str = "museum";

#[event]
#[derive(Clone, Serialize, Deserialize)]
struct Entered {
    room: String,
    visitors: u32,
}

/// How many have been in each room.
struct Rooms;

#[async_trait]
impl PostgresProjection for Rooms {
    type Event = Entered;

    async fn create(&self, transaction: &Transaction<'_>) -> Result<(), ApplyError> {
        let table =
            "CREATE TABLE rooms (room text PRIMARY KEY, visitors bigint NOT NULL CHECK (visitors > 0))";
        Ok(transaction.batch_execute(table).await?)
    }

    async fn apply(
        &self,
        transaction: &Transaction<'_>,
        entered: &Recorded<Entered>,
    ) -> Result<(), ApplyError> {
        let count = transaction
            .prepare_cached(
                "INSERT INTO rooms VALUES ($1, $2) \
                 ON CONFLICT (room) DO UPDATE SET visitors = rooms.visitors + excluded.visitors",
            )
            .await?;
        transaction.execute(&count, &[&entered.event.room, &i64::from(entered.event.visitors)]).await?;
        Ok(())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let url = std::env::args().nth(1).context("name a database, as `postgresql://localhost/app`")?;
    for (room, visitors) in a_day(&url, SCHEMA).await? {
        println!("{room}: {visitors}");
    }
    Ok(())
}

/// The events of a day, and what SQL answers then.
async fn a_day(url: &str, schema: &str) -> anyhow::Result<Vec<(String, i64)>> {
    let config = PostgresConfig { schema: SchemaName::new(schema)?, ..PostgresConfig::default() };
    let store = EventStore::with_backend(PostgresBackend::with_config(url, config).await?);
    let pool = pool(url, schema)?;
    let registry = ProjectionRegistry::new(store.clone());
    let rooms = PostgresReadModel::new(pool.clone(), "rooms", 1, Rooms);
    // What a table refuses stands aside, with its reason, and does not keep the others waiting.
    registry.add_outside(rooms.registration().with_faults(FaultPolicy::park())).await?;

    let entered = |room: &str, visitors| Entered { room: room.to_owned(), visitors };
    store.append("day", vec![entered("dinosaurs", 30), entered("stones", 2)]).await?;
    let last = store.append("day", vec![entered("dinosaurs", 12), entered("stones", 0)]).await?;
    // One's own events are seen behind this.
    registry.wait_for("rooms", last.last_position, Duration::from_secs(30)).await?;

    let rows = pool.get().await?.query("SELECT room, visitors FROM rooms ORDER BY room", &[]).await?;
    let rooms = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
    let rooms = rooms.collect::<anyhow::Result<Vec<_>>>()?;
    registry.close().await?;
    store.backend().close().await?;
    Ok(rooms)
}

/// Connections that find the tables of the read model in this schema, and make them there.
fn pool(url: &str, schema: &str) -> anyhow::Result<Pool> {
    let mut config: Config = url.parse()?;
    config.options(format!("-c search_path={schema}"));
    Ok(Pool::builder(Manager::new(config, NoTls)).max_size(4).build()?)
}

#[cfg(test)]
#[path = "../tests/support/schema.rs"]
mod schema;

#[cfg(test)]
mod tests {
    use super::{schema::Schema, *};

    #[tokio::test]
    async fn sql_counts_each_visitor_once_whenever_it_is_asked() {
        let schema = Schema::new();
        for day in 1..=2 {
            let rooms = a_day(&schema::server(), schema.name.as_str()).await.unwrap();
            assert_eq!(rooms, [("dinosaurs".to_owned(), 42 * day), ("stones".to_owned(), 2 * day)]);
        }
        let parked = schema.sql("SELECT count(*) FROM projection_parked").await;
        assert_eq!(parked.first().unwrap().get::<_, i64>(0), 2);
    }
}
