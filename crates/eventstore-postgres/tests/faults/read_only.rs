//! Servers that take no changes: set so, replicas, and primaries that are none any more.

use eventstore_api::{EventStoreBackend, StoreError};
use eventstore_postgres::{PostgresBackend, PostgresError};
use postgres_cluster::Cluster;

use crate::{
    config,
    support::outcome::{append, cause, event, eventually, in_time, payloads},
};

fn takes_no_changes(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable { .. })
        && matches!(cause(error), PostgresError::ReadOnlyServer { .. })
}

/// Of every session, from its next transaction on.
async fn set_read_only(cluster: &Cluster, value: &str) {
    cluster.psql(&format!("ALTER SYSTEM SET default_transaction_read_only = {value}")).unwrap();
    cluster.psql("SELECT pg_reload_conf()").unwrap();
    eventually("the server has read its settings", async || {
        cluster.psql("SHOW default_transaction_read_only").unwrap() == value
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_set_to_take_no_changes_is_read_and_takes_appends_when_it_may_again() {
    let cluster = Cluster::start().unwrap();
    let store = PostgresBackend::with_config(&cluster.url(), config()).await.unwrap();
    append(&store, "account-1", &event("before")).await.unwrap();

    set_read_only(&cluster, "on").await;
    let refused = event("refused at first");
    let error = append(&store, "account-1", &refused).await.unwrap_err();
    assert!(takes_no_changes(&error) && error.outcome_is_known(), "{error:?}");
    assert_eq!(payloads(&store, "account-1").await, ["before"]);

    set_read_only(&cluster, "off").await;
    append(&store, "account-1", &refused).await.unwrap();
    assert_eq!(payloads(&store, "account-1").await, ["before", "refused at first"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_is_read_and_refuses_appends() {
    let primary = Cluster::start().unwrap();
    let store = PostgresBackend::with_config(&primary.url(), config()).await.unwrap();
    append(&store, "account-1", &event("before")).await.unwrap();
    let replica = primary.replica("reader").unwrap();
    replica.wait_until_streaming().unwrap();

    let reader = in_time(PostgresBackend::with_config(&replica.url(), config())).await.unwrap();
    eventually("it has followed", async || payloads(&reader, "account-1").await == ["before"]).await;
    let error = append(&reader, "account-1", &event("refused")).await.unwrap_err();
    assert!(takes_no_changes(&error), "{error:?}");
    assert_eq!(in_time(reader.stats()).await.unwrap().total_events, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_without_a_store_is_refused_when_it_is_opened() {
    let primary = Cluster::start().unwrap();
    let replica = primary.replica("reader").unwrap();
    let error = in_time(PostgresBackend::with_config(&replica.url(), config())).await.unwrap_err();
    assert!(takes_no_changes(&error), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_was_replaced_is_left_for_the_new_one() {
    let old = Cluster::builder().setting("synchronous_standby_names", "next").start().unwrap();
    let next = old.replica("next").unwrap();
    next.wait_until_streaming().unwrap();
    let host = |cluster: &Cluster| cluster.url().split(['@', '/']).nth(3).unwrap().to_owned();
    let url = format!(
        "postgresql://postgres@{},{}/postgres?target_session_attrs=read-write",
        host(&old),
        host(&next)
    );
    let store = PostgresBackend::with_config(&url, config()).await.unwrap();
    // Acknowledged when the replica has it.
    append(&store, "account-1", &event("before")).await.unwrap();

    // As a good operator does it: fence the old one, then promote.
    set_read_only(&old, "on").await;
    let next = next.promote().unwrap();
    let moved = event("on the new one");
    let error = append(&store, "account-1", &moved).await.unwrap_err();
    assert!(takes_no_changes(&error), "{error:?}");
    append(&store, "account-1", &moved).await.unwrap();
    assert_eq!(payloads(&store, "account-1").await, ["before", "on the new one"]);
    assert_eq!(next.psql("SELECT count(*) FROM eventstore.event_log").unwrap(), "2");
    assert_eq!(old.psql("SELECT count(*) FROM eventstore.event_log").unwrap(), "1");

    // Who listens goes along: the old one hears of nothing any more.
    let listening = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'eventstore' \
        AND (query ILIKE 'LISTEN%' OR query LIKE '%pg_notify%')";
    eventually("it listens to the new one", async || next.psql(listening).unwrap() == "1").await;
    assert_eq!(old.psql(listening).unwrap(), "0");
}
