//! Servers that say nothing: frozen, or behind a network that swallows everything.

use std::time::{Duration, Instant};

use eventstore_api::{EventStoreBackend, GlobalPosition, ReadAll, Result, StoreError};
use eventstore_postgres::{PostgresBackend, PostgresConfig, PostgresError};
use postgres_cluster::Cluster;

use crate::{
    config,
    proxy::{Fault, Proxy},
    support::{
        events::stream,
        outcome::{append, append_surely, cause, event, eventually, in_time, payloads},
    },
};

/// For what is waited for in vain.
const SHORT: Duration = Duration::from_millis(500);

fn impatient() -> PostgresConfig {
    PostgresConfig {
        pool_size: 2,
        answer_timeout: SHORT,
        connect_timeout: SHORT,
        acquire_timeout: Duration::from_secs(5),
        ..config()
    }
}

/// A store that asks for nothing by itself: it has no connection that listens, and nobody waits. So what is lost is what a
/// test asks for.
async fn quiet(url: &str) -> PostgresBackend {
    let manager = deadpool_postgres::Manager::new(url.parse().unwrap(), tokio_postgres::NoTls);
    let pool = deadpool_postgres::Pool::builder(manager).max_size(2).build().unwrap();
    PostgresBackend::from_pool(pool, impatient()).await.unwrap()
}

fn said_nothing(error: &StoreError) -> bool {
    matches!(cause(error), PostgresError::NoAnswer { .. } | PostgresError::ConnectTimeout { .. })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_nobody_answers_ends_and_is_settled_by_appending_it_again() {
    let cluster = Cluster::start().unwrap();
    let proxy = Proxy::before(&cluster).await;
    let store = quiet(&proxy.url()).await;
    append(&store, "account-1", &event("before")).await.unwrap();

    proxy.set(Fault::Swallow);
    let unanswered = event("unanswered");
    let begun = Instant::now();
    let error = append(&store, "account-1", &unanswered).await.unwrap_err();
    assert!(begun.elapsed() >= SHORT);
    assert!(matches!(error, StoreError::OutcomeUnknown { .. }), "{error:?}");
    assert!(matches!(cause(&error), PostgresError::NoAnswer { waited: SHORT }), "{error:?}");

    // The connection that lost its question is not used again: on it, nothing would ever come.
    proxy.set(Fault::None);
    append_surely(&store, "account-1", &unanswered).await;
    assert_eq!(payloads(&store, "account-1").await, ["before", "unanswered"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_read_that_nobody_answers_ends() {
    let cluster = Cluster::start().unwrap();
    let proxy = Proxy::before(&cluster).await;
    let store = PostgresBackend::with_config(&proxy.url(), impatient()).await.unwrap();
    append(&store, "account-1", &event("before")).await.unwrap();

    proxy.set(Fault::Swallow);
    let unavailable = |what: &str, outcome: Result<()>| {
        let error = outcome.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }) && said_nothing(&error), "{what}: {error:?}");
    };
    let account = stream("account-1");
    unavailable("get_events", in_time(store.get_events(&account)).await.map(drop));
    unavailable("read_all", in_time(store.read_all(&ReadAll::forward())).await.map(drop));
    let tagged = eventstore_api::EventFilter::tagged(eventstore_api::Tags::parse(["a:b"]).unwrap());
    unavailable("filtered", in_time(store.read_all(&ReadAll::forward().filter(tagged))).await.map(drop));
    unavailable("snapshot", in_time(store.get_latest_snapshot(&account)).await.map(drop));
    unavailable("stats", in_time(store.stats()).await.map(drop));
    unavailable("head", in_time(store.head()).await.map(drop));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_whose_caller_has_left_is_not_handed_to_the_next_before_it_answers() {
    let cluster = Cluster::start().unwrap();
    let proxy = Proxy::before(&cluster).await;
    let store = quiet(&proxy.url()).await;
    append(&store, "account-1", &event("before")).await.unwrap();

    proxy.set(Fault::Swallow);
    let before = proxy.swallowed();
    let reading = {
        let store = store.clone();
        tokio::spawn(async move { store.get_events(&stream("account-1")).await })
    };
    eventually("the question is lost", async || proxy.swallowed() > before).await;
    reading.abort();
    assert!(reading.await.unwrap_err().is_cancelled());
    proxy.set(Fault::None);
    assert_eq!(payloads(&store, "account-1").await, ["before"]);
    assert_eq!(payloads(&store, "account-1").await, ["before"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_is_no_end_of_the_store() {
    let cluster = Cluster::start().unwrap();
    let store = PostgresBackend::with_config(&cluster.url(), impatient()).await.unwrap();
    append(&store, "account-1", &event("before")).await.unwrap();
    let waiting = {
        let store = store.clone();
        tokio::spawn(async move { store.wait_past(GlobalPosition::new(1)).await })
    };

    let frozen = cluster.freeze().unwrap().unwrap();
    let unanswered = event("unanswered");
    // Unknown where a connection was there to ask on, and unavailable where whoever waits was asking on it.
    let error = append(&store, "account-1", &unanswered).await.unwrap_err();
    assert!(error.is_retryable() && said_nothing(&error), "{error:?}");
    // A new connection is taken by the system, and by nobody else.
    for _ in 0..3 {
        let error = in_time(store.head()).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }) && said_nothing(&error), "{error:?}");
    }
    let opened = in_time(PostgresBackend::with_config(&cluster.url(), impatient())).await;
    assert!(said_nothing(&opened.unwrap_err()));

    drop(frozen);
    append_surely(&store, "account-1", &unanswered).await;
    assert_eq!(payloads(&store, "account-1").await, ["before", "unanswered"]);
    assert_eq!(in_time(waiting).await.unwrap().unwrap(), GlobalPosition::new(2));
}
