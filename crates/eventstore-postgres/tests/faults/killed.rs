//! Servers and sessions that end in the middle of work.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use eventstore_api::{EventStoreBackend, GlobalPosition, NewEvent, ReadAll, StoreError};
use eventstore_postgres::{PostgresBackend, PostgresConfig};
use postgres_cluster::Cluster;
use tokio_postgres::error::SqlState;

use crate::{
    config,
    support::{
        Schema,
        outcome::{append, append_surely, cause, client, event, eventually, in_time, number, payloads},
        server,
        sql::named,
    },
};

const TASKS: usize = 16;
const KILLS: usize = 3;
/// How many appends have to be acknowledged before the next kill.
const BETWEEN: usize = 150;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_is_killed_while_many_append_loses_nothing_and_has_nothing_twice() {
    let mut cluster = Cluster::start().unwrap();
    let store = PostgresBackend::with_config(&cluster.url(), config()).await.unwrap();
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let is_enough = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (store, acknowledged, is_enough) =
                (store.clone(), Arc::clone(&acknowledged), Arc::clone(&is_enough));
            tokio::spawn(async move {
                let mut events: Vec<NewEvent> = Vec::new();
                while !is_enough.load(SeqCst) {
                    let event = event(&format!("{task}/{}", events.len()));
                    let appended = append_surely(&store, &format!("account-{task}"), &event).await;
                    events.push(event);
                    // Nobody else appends to this stream: what is acknowledged is where it has to be.
                    assert_eq!(appended.first_version.get(), events.len() as u64);
                    acknowledged.fetch_add(1, SeqCst);
                }
                events
            })
        })
        .collect();

    for kill in 1..=KILLS {
        eventually("more is acknowledged", async || acknowledged.load(SeqCst) >= kill * BETWEEN).await;
        cluster = tokio::task::spawn_blocking(move || {
            cluster.kill().unwrap();
            cluster.restart().unwrap();
            cluster
        })
        .await
        .unwrap();
    }
    let before = acknowledged.load(SeqCst);
    eventually("it goes on after the last kill", async || acknowledged.load(SeqCst) >= before + BETWEEN)
        .await;
    is_enough.store(true, SeqCst);
    let written = in_time(futures_util::future::join_all(tasks)).await;

    let stored = all(&store).await;
    let positions: Vec<u64> = stored.iter().map(|event| event.position.get()).collect();
    assert_eq!(positions, (1..=stored.len() as u64).collect::<Vec<_>>());
    let mut count = 0;
    for (task, events) in written.into_iter().enumerate() {
        let name = format!("account-{task}");
        let found: Vec<_> = stored.iter().filter(|it| it.stream.as_str() == name).map(|it| it.id).collect();
        let events = events.unwrap();
        assert_eq!(found, events.iter().map(|event| event.id).collect::<Vec<_>>(), "{name}");
        count += events.len();
    }
    assert_eq!(stored.len(), count);
}

async fn all(store: &impl EventStoreBackend) -> Vec<eventstore_api::RecordedEvent> {
    let mut events = Vec::new();
    let mut query = ReadAll::forward().limit(1_000);
    loop {
        let page = in_time(store.read_all(&query)).await.unwrap();
        query = query.next_page(&page);
        events.extend(page.events);
        if page.end_reached {
            return events;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_events_hears_of_them_though_the_server_was_shut_down_meanwhile() {
    let mut cluster = Cluster::start().unwrap();
    let store = PostgresBackend::with_config(&cluster.url(), config()).await.unwrap();
    append(&store, "account-1", &event("before")).await.unwrap();
    let waiting = {
        let store = store.clone();
        tokio::spawn(async move { store.wait_past(GlobalPosition::new(1)).await })
    };
    cluster = tokio::task::spawn_blocking(move || {
        cluster.stop().unwrap();
        cluster
    })
    .await
    .unwrap();
    let error = in_time(store.head()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(!waiting.is_finished());

    let cluster = tokio::task::spawn_blocking(move || {
        cluster.restart().unwrap();
        cluster
    })
    .await
    .unwrap();
    let other = PostgresBackend::with_config(&cluster.url(), config()).await.unwrap();
    append_surely(&other, "account-1", &event("after")).await;
    assert_eq!(in_time(waiting).await.unwrap().unwrap(), GlobalPosition::new(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_whose_session_is_terminated_is_settled_by_appending_it_again() {
    let schema = Schema::new();
    let name = schema.name.to_string();
    let store = PostgresBackend::with_config(&named(&server(), &name), schema.config()).await.unwrap();
    append(&store, "account-1", &event("before")).await.unwrap();
    let operator = client(&server()).await;
    let holder = client(&server()).await;
    holder.batch_execute(&format!("BEGIN; SELECT {name}.take_turn()")).await.unwrap();

    let held_up = event("held up");
    let waiting = {
        let (store, held_up) = (store.clone(), held_up.clone());
        tokio::spawn(async move { append(&store, "account-1", &held_up).await })
    };
    let at_the_lock = format!(
        "FROM pg_stat_activity WHERE application_name = '{name}' AND wait_event_type = 'Lock' AND wait_event = 'advisory'"
    );
    eventually("the append waits for its turn", async || {
        number(&operator, &format!("SELECT count(*) {at_the_lock}")).await == 1
    })
    .await;
    operator.execute(&format!("SELECT pg_terminate_backend(pid) {at_the_lock}"), &[]).await.unwrap();
    let error = in_time(waiting).await.unwrap().unwrap_err();
    assert!(matches!(error, StoreError::OutcomeUnknown { .. }), "{error:?}");
    assert_eq!(cause(&error).code().map(SqlState::code), Some("57P01"));

    holder.batch_execute("ROLLBACK").await.unwrap();
    append(&store, "account-1", &held_up).await.unwrap();
    assert_eq!(payloads(&store, "account-1").await, ["before", "held up"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_were_terminated_while_idle_are_replaced() {
    let schema = Schema::new();
    let name = schema.name.to_string();
    let config =
        PostgresConfig { pool_size: 2, poll_interval: Duration::from_secs(3_600), ..schema.config() };
    let store = PostgresBackend::with_config(&named(&server(), &name), config).await.unwrap();
    append(&store, "account-1", &event("before")).await.unwrap();
    let operator = client(&server()).await;
    let sessions = format!("FROM pg_stat_activity WHERE application_name = '{name}'");
    operator.execute(&format!("SELECT pg_terminate_backend(pid) {sessions}"), &[]).await.unwrap();

    // The client may not have noticed yet.
    append_surely(&store, "account-1", &event("after")).await;
    assert_eq!(payloads(&store, "account-1").await, ["before", "after"]);
    // The one that listens as well.
    let listening =
        format!("SELECT count(*) {sessions} AND (query ILIKE 'LISTEN%' OR query LIKE '%pg_notify%')");
    eventually("it listens again", async || number(&operator, &listening).await == 1).await;
}
