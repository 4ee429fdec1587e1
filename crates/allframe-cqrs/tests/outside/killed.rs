//! Processes that are killed in the middle of their work.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use allframe_cqrs::{EventStore, PostgresReadModel, ProjectionRegistry};
use eventstore_wal::WalBackend;

use crate::{
    ledger::{Deposited, deposit, until},
    postgres_table::{Balances, all_of, pool_in},
    schema::Schema,
};

/// Set for the process that is to be killed: where the events are, and the schema of the read model.
const EVENTS: &str = "ALLFRAME_TEST_OUTSIDE_EVENTS";
const SCHEMA: &str = "ALLFRAME_TEST_OUTSIDE_SCHEMA";

const COUNT: i64 = 20_000;
const TEST: &str = "killed::a_process_that_is_killed_again_and_again_counts_each_event_once";

/// Whether this is the process that is to be killed: then it has caught up by now.
async fn is_the_one_to_be_killed() -> bool {
    let Ok(directory) = std::env::var(EVENTS) else { return false };
    let pool = pool_in(&std::env::var(SCHEMA).unwrap());
    let backend = WalBackend::production(directory).unwrap();
    let registry = ProjectionRegistry::<Deposited, _>::new(EventStore::with_backend(backend));
    let balances = PostgresReadModel::new(pool, "balances", 1, Balances);
    registry.add_outside(balances.registration()).await.unwrap();
    registry.wait_until_caught_up(Duration::from_secs(300)).await.unwrap();
    registry.close().await.unwrap();
    true
}

fn process(directory: &Path, schema: &Schema) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST])
        .env(EVENTS, directory)
        .env(SCHEMA, schema.name.as_str())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// It may have come to its end by itself a moment before, and must not have failed.
fn kill(mut process: Child) {
    process.kill().unwrap();
    let status = process.wait().unwrap();
    // What is killed has no code.
    assert!(status.code().is_none_or(|code| code == 0), "{status}");
}

#[tokio::test]
async fn a_process_that_is_killed_again_and_again_counts_each_event_once() {
    if is_the_one_to_be_killed().await {
        return;
    }
    let (schema, directory) = (Schema::made().await, tempfile::tempdir().unwrap());
    let store = EventStore::<Deposited, _>::with_backend(WalBackend::production(directory.path()).unwrap());
    let mut batch = store.batch();
    for account in 0..5 {
        let events: Vec<_> = (1..=COUNT / 5).map(|amount| Deposited { amount: amount % 7 }).collect();
        batch = batch.append(format!("account-{account}"), allframe_cqrs::ExpectedVersion::Any, events);
    }
    batch.commit().await.unwrap();
    deposit(&store, 1..=10).await;
    let events = all_of(&store).await;
    allframe_cqrs::EventStoreBackend::close(store.backend()).await.unwrap();
    drop(store);

    let at = "SELECT coalesce(max(position), 0) FROM projection_checkpoints";
    let mut kills = 0;
    let mut before = 0;
    loop {
        let mut running = process(directory.path(), &schema);
        let mut position = before;
        until(async || {
            let is_made =
                "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'lines'";
            position = if schema.number(is_made).await == 1 { schema.number(at).await } else { 0 };
            position > before || running.try_wait().unwrap().is_some()
        })
        .await;
        if let Some(status) = running.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            break;
        }
        // In the middle of a batch, sooner or later: a batch takes longer than so many looks. Whatever the moment is, the rows are right.
        for _ in 0..3 * (kills % 10) {
            schema.number(at).await;
        }
        kill(running);
        kills += 1;
        before = schema.number(at).await;
    }
    assert!(kills >= 5, "it was killed {kills} times only");
    schema.holds_exactly(&events).await;
}
