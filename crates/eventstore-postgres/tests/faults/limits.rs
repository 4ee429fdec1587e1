//! What is short: connections of the pool, of the server, and time.

use std::time::{Duration, Instant};

use eventstore_api::{AppendBatch, EventStoreBackend, ExpectedVersion, GlobalPosition, StoreError};
use eventstore_postgres::{PostgresBackend, PostgresConfig, PostgresError};
use postgres_cluster::Cluster;
use tokio_postgres::{NoTls, error::SqlState};

use crate::{
    config,
    support::{
        Schema,
        events::stream,
        outcome::{append, append_surely, cause, client, event, eventually, in_time, number, payloads},
        server,
        sql::named,
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn where_all_connections_are_in_use_a_call_waits_as_long_as_configured_and_says_so() {
    const PATIENCE: Duration = Duration::from_millis(700);
    let schema = Schema::new();
    let name = schema.name.to_string();
    let config = PostgresConfig {
        pool_size: 2,
        acquire_timeout: PATIENCE,
        poll_interval: Duration::from_secs(3_600),
        ..schema.config()
    };
    let store = PostgresBackend::with_config(&named(&server(), &name), config).await.unwrap();
    append(&store, "account-1", &event("before")).await.unwrap();
    let (holder, operator) = (client(&server()).await, client(&server()).await);
    holder.batch_execute(&format!("BEGIN; LOCK TABLE {name}.event_log")).await.unwrap();

    let held_up: Vec<_> = (0..2)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.get_events(&stream("account-1")).await })
        })
        .collect();
    let held = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = '{name}' AND wait_event_type = 'Lock'"
    );
    eventually("both connections wait", async || number(&operator, &held).await == 2).await;

    let begun = Instant::now();
    let error = in_time(store.get_latest_snapshot(&stream("account-1"))).await.unwrap_err();
    assert!(begun.elapsed() >= PATIENCE, "{:?}", begun.elapsed());
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(matches!(cause(&error), PostgresError::PoolExhausted { waited: PATIENCE, size: 2 }), "{error:?}");

    // Those who hold the connections get what they came for, and give them back. One of the two may be the store itself,
    // which asks how far the log goes when it begins to listen.
    holder.batch_execute("COMMIT").await.unwrap();
    let mut answered = 0;
    for reading in held_up {
        match in_time(reading).await.unwrap() {
            Ok(events) => answered += events.len(),
            Err(error) => assert!(matches!(cause(&error), PostgresError::PoolExhausted { .. }), "{error:?}"),
        }
    }
    assert!(answered >= 1);
    in_time(store.get_latest_snapshot(&stream("account-1"))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_does_not_get_its_turn_in_time_stores_nothing_and_says_so() {
    let schema = Schema::new();
    let name = schema.name.to_string();
    let config = PostgresConfig { statement_timeout: Some(Duration::from_millis(300)), ..schema.config() };
    let store = PostgresBackend::with_config(&server(), config).await.unwrap();
    let holder = client(&server()).await;
    holder.batch_execute(&format!("BEGIN; SELECT {name}.take_turn()")).await.unwrap();

    let held_up = event("held up");
    let error = append(&store, "account-1", &held_up).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }) && error.outcome_is_known(), "{error:?}");
    // The server's own limit, long before ours.
    assert_eq!(cause(&error).code().map(SqlState::code), Some("57014"));
    // Readers wait for nobody.
    assert_eq!(payloads(&store, "account-1").await, [] as [&str; 0]);

    holder.batch_execute("COMMIT").await.unwrap();
    append(&store, "account-1", &held_up).await.unwrap();
    assert_eq!(payloads(&store, "account-1").await, ["held up"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_more_connections_is_not_available_for_now() {
    let cluster = Cluster::builder()
        .setting("max_connections", "8")
        .setting("superuser_reserved_connections", "0")
        .start()
        .unwrap();
    let store = PostgresBackend::with_config(&cluster.url(), config()).await.unwrap();
    append(&store, "account-1", &event("before")).await.unwrap();

    let mut others = Vec::new();
    let refused = loop {
        match in_time(tokio_postgres::connect(&cluster.url(), NoTls)).await {
            Ok((client, connection)) => others.push((client, tokio::spawn(connection))),
            Err(refused) => break refused,
        }
        assert!(others.len() <= 8);
    };
    assert_eq!(refused.code().map(SqlState::code), Some("53300"));
    let error = in_time(PostgresBackend::with_config(&cluster.url(), config())).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(matches!(cause(&error), PostgresError::Connect { .. }), "{error:?}");
    assert_eq!(cause(&error).code().map(SqlState::code), Some("53300"));
    // Who has his connections keeps them.
    append(&store, "account-1", &event("meanwhile")).await.unwrap();

    drop(others);
    eventually("the others have gone", async || {
        in_time(PostgresBackend::with_config(&cluster.url(), config())).await.is_ok()
    })
    .await;
    append_surely(&store, "account-1", &event("after")).await;
    assert_eq!(payloads(&store, "account-1").await, ["before", "meanwhile", "after"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_of_the_application_that_waits_for_ever_does_not_make_a_call_wait_for_ever() {
    const PATIENCE: Duration = Duration::from_millis(500);
    let schema = Schema::new();
    let manager = deadpool_postgres::Manager::new(server().parse().unwrap(), NoTls);
    let pool = deadpool_postgres::Pool::builder(manager).max_size(2).build().unwrap();
    let config = PostgresConfig { acquire_timeout: PATIENCE, ..schema.config() };
    let store = PostgresBackend::from_pool(pool.clone(), config).await.unwrap();

    let (one, other) = (pool.get().await.unwrap(), pool.get().await.unwrap());
    let error = in_time(store.head()).await.unwrap_err();
    assert!(matches!(cause(&error), PostgresError::PoolExhausted { waited: PATIENCE, size: 2 }), "{error:?}");
    drop((one, other));
    in_time(store.head()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_cannot_be_sent_in_time_says_so_and_is_not_made_later() {
    let schema = Schema::new();
    let name = schema.name.to_string();
    let patience = Duration::from_millis(500);
    let config = PostgresConfig {
        acquire_timeout: patience,
        statement_timeout: Some(Duration::from_secs(3)),
        ..schema.config()
    };
    let store = PostgresBackend::with_config(&server(), config).await.unwrap();
    let holder = client(&server()).await;
    holder.batch_execute(&format!("BEGIN; SELECT {name}.take_turn()")).await.unwrap();

    let begun = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..24 {
        let store = store.clone();
        // Of one stream, so that they go one by one.
        callers.spawn(async move { append(&store, "hot", &event(&format!("{number}"))).await });
    }
    let answers = callers.join_all().await;
    assert!(begun.elapsed() < Duration::from_secs(8), "the last one waited {:?}", begun.elapsed());
    let unsent = answers.iter().filter(
        |answer| matches!(answer, Err(error) if matches!(cause(error), PostgresError::QueueTimeout { .. })),
    );
    assert!(unsent.count() >= 20, "{answers:?}");
    holder.batch_execute("COMMIT").await.unwrap();
    append(&store, "hot", &event("last")).await.unwrap();
    assert_eq!(payloads(&store, "hot").await, ["last"], "what was given up was not made");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_append_that_a_rule_of_the_user_refuses_is_refused_alone() {
    let schema = Schema::new();
    let store = PostgresBackend::with_config(&server(), schema.config()).await.unwrap();
    let rule = format!("ALTER TABLE {}.event_log ADD CHECK (payload_bytes < 10)", schema.name);
    client(&server()).await.batch_execute(&rule).await.unwrap();
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..20 {
        let store = store.clone();
        let payload = if number == 7 { "longer than it may be" } else { "short" };
        callers.spawn(async move { append(&store, &format!("s-{number}"), &event(payload)).await.is_ok() });
    }
    let stored = callers.join_all().await.into_iter().filter(|is_stored| *is_stored).count();
    assert_eq!(stored, 19);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_to_very_many_new_streams_is_made_in_time() {
    let schema = Schema::new();
    let store = PostgresBackend::with_config(&server(), schema.config()).await.unwrap();
    let streams = (0..20_000).map(|number| stream(&format!("s-{number}")));
    let batch = streams.fold(AppendBatch::new(), |batch, name| {
        batch.append(name, ExpectedVersion::NoStream, vec![event("one")])
    });
    let begun = Instant::now();
    assert_eq!(store.append_all(batch).await.unwrap().len(), 20_000);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

/// Whoever wants no limit says so, and not a moment that no clock can hold.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_may_be_as_long_as_can_be_said() {
    let schema = Schema::new();
    let config = PostgresConfig {
        acquire_timeout: Duration::MAX,
        connect_timeout: Duration::MAX,
        statement_timeout: Some(Duration::MAX),
        answer_timeout: Duration::MAX,
        poll_interval: Duration::MAX,
        ..schema.config()
    };
    let store = in_time(PostgresBackend::with_config(&server(), config)).await.unwrap();
    in_time(append(&store, "account-1", &event("one"))).await.unwrap();
    in_time(store.wait_past(GlobalPosition::START)).await.unwrap();
    assert_eq!(in_time(payloads(&store, "account-1")).await, ["one"]);
}
