//! A read model in tables that is built anew: the next version beside the one that is read, then readers are changed over, then
//! the old one goes. `docs/projections.md` has it as instructions.

use allframe_cqrs::{
    ApplyError, EventStore, GlobalPosition, PostgresProjection, PostgresReadModel, ProjectionRegistry,
    Recorded, async_trait, deadpool_postgres::Transaction,
};

use crate::{
    ledger::{Deposited, SOON, deposit},
    schema::Schema,
};

/// A line for every deposit, from version 2 on in cents.
struct Lines {
    version: u32,
}

impl Lines {
    /// Runs it in a registry of its own: the one of the old version has the name already.
    async fn run(self, schema: &Schema, store: &EventStore<Deposited>) -> ProjectionRegistry<Deposited> {
        let registry = ProjectionRegistry::new(store.clone());
        let lines = PostgresReadModel::new(schema.pool(), "lines", self.version, self);
        registry.add_outside(lines.registration()).await.unwrap();
        registry
    }
}

#[async_trait]
impl PostgresProjection for Lines {
    type Event = Deposited;

    async fn create(&self, transaction: &Transaction<'_>) -> Result<(), ApplyError> {
        let table = format!("CREATE TABLE lines_v{} (amount bigint NOT NULL)", self.version);
        Ok(transaction.batch_execute(&table).await?)
    }

    async fn apply(
        &self,
        transaction: &Transaction<'_>,
        event: &Recorded<Deposited>,
    ) -> Result<(), ApplyError> {
        let factor = if self.version == 1 { 1 } else { 100 };
        let line = format!("INSERT INTO lines_v{} VALUES ($1)", self.version);
        transaction.execute(&line, &[&(event.event.amount * factor)]).await?;
        Ok(())
    }
}

/// Has readers see the next version from one moment to the other, at no earlier position than before.
async fn change_over(schema: &Schema, next: &ProjectionRegistry<Deposited>) {
    let pool = schema.pool();
    let mut client = pool.get().await.unwrap();
    let transaction = client.transaction().await.unwrap();
    let old_stands_still =
        "SELECT position FROM projection_checkpoints WHERE name = 'lines' AND version = 1 FOR UPDATE";
    let position: i64 = transaction.query_one(old_stands_still, &[]).await.unwrap().get(0);
    next.wait_for("lines", GlobalPosition::new(position.unsigned_abs()), SOON).await.unwrap();
    let view = "CREATE OR REPLACE VIEW lines AS SELECT amount FROM lines_v2";
    transaction.batch_execute(view).await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn readers_are_changed_over_to_the_next_version_and_see_nothing_go() {
    let (schema, store) = (Schema::made().await, EventStore::new());
    deposit(&store, 1..=2_000).await;
    let old = Lines { version: 1 }.run(&schema, &store).await;
    schema.sql("CREATE VIEW lines AS SELECT amount FROM lines_v1").await;
    old.wait_until_caught_up(SOON).await.unwrap();
    let next = Lines { version: 2 }.run(&schema, &store).await;

    let reading = async {
        let (mut lines, mut amount) = (0, 2_000);
        loop {
            amount += 1;
            let last = deposit(&store, amount..=amount).await;
            let rows = schema.sql("SELECT count(*), coalesce(max(amount), 0) FROM lines").await;
            let (seen, largest): (i64, i64) = (rows.first().unwrap().get(0), rows.first().unwrap().get(1));
            assert!(seen >= lines, "{seen} lines after {lines}");
            lines = seen;
            // In cents.
            if largest >= 200_000 {
                return last;
            }
        }
    };
    let (last, ()) = tokio::join!(reading, change_over(&schema, &next));

    // Whoever runs the old one still would make it again.
    old.close().await.unwrap();
    schema.sql("DROP TABLE lines_v1").await;
    schema.sql("DELETE FROM projection_checkpoints WHERE name = 'lines' AND version = 1").await;
    schema.sql("DELETE FROM projection_parked WHERE name = 'lines' AND version = 1").await;
    next.wait_for("lines", last, SOON).await.unwrap();
    let all = i64::try_from(last.get()).unwrap();
    assert_eq!(schema.number("SELECT count(*) FROM lines").await, all);
    assert_eq!(schema.number("SELECT sum(amount)::bigint FROM lines").await, all * (all + 1) / 2 * 100);
    assert_eq!(schema.number("SELECT version FROM projection_checkpoints").await, 2);
}
