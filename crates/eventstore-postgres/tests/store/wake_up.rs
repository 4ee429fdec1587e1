//! Whoever waits for events is woken, whatever happens to the connection that listens.
//!
//! The stores here ask by themselves only once a minute: what is heard before was said.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use crate::support::{
    Schema,
    outcome::{client, eventually, number},
    sql::{append, named},
};
use eventstore_api::{
    EventFilter, EventStoreBackend, EventType, ExpectedVersion, GlobalPosition, NewEvent, StoreError,
    StreamId, Subscription,
};
use eventstore_postgres::{PostgresBackend, PostgresConfig};
use tokio::time::timeout;

/// How often a store asks, though nobody told it anything.
const ASKS_EVERY: Duration = Duration::from_secs(60);
/// How long a word may take on a machine that is busy: much less than that.
const SOON: Duration = Duration::from_secs(10);

fn quiet(schema: &Schema) -> PostgresConfig {
    PostgresConfig { poll_interval: ASKS_EVERY, ..schema.config() }
}

/// A store as another process would open it, whose connections have a name.
async fn open(schema: &Schema, name: &str) -> PostgresBackend {
    let url = named(&schema.url, &application(schema, name));
    let store = PostgresBackend::with_config(&url, quiet(schema)).await.unwrap();
    until_it_listens(schema, name).await;
    store
}

fn application(schema: &Schema, name: &str) -> String {
    // The end of the name: the server cuts off what is longer than 63 bytes.
    format!("{name}_{}", schema.name.as_str().rsplit('_').next().unwrap())
}

/// The connection of a store that listens: it is the one that has said so, or has told of something since.
fn listening(schema: &Schema, name: &str) -> String {
    format!(
        "FROM pg_stat_activity WHERE application_name = '{}' \
        AND (query LIKE 'LISTEN%' OR query LIKE '%pg_notify(%') AND state = 'idle'",
        application(schema, name)
    )
}

async fn until_it_listens(schema: &Schema, name: &str) {
    let (sql, listening) = (client(&schema.url).await, listening(schema, name));
    eventually("the store listens", async || {
        number(&sql, &format!("SELECT count(*) {listening}")).await == 1
    })
    .await;
}

/// Ends the connection that listens. The store is still to notice.
async fn cut(sql: &tokio_postgres::Client, schema: &Schema, name: &str) {
    let cut = format!("SELECT count(pg_terminate_backend(pid)) {}", listening(schema, name));
    assert_eq!(number(sql, &cut).await, 1);
}

async fn append_one(store: &PostgresBackend) -> GlobalPosition {
    let stream = StreamId::new("account-7").unwrap();
    let event = NewEvent::new(EventType::new("Deposited").unwrap(), "1");
    store.append(&stream, ExpectedVersion::Any, vec![event]).await.unwrap().last_position
}

/// Has a store wait for what comes after a position.
fn waiting(
    store: &PostgresBackend,
    after: GlobalPosition,
) -> tokio::task::JoinHandle<Result<GlobalPosition, StoreError>> {
    let store = store.clone();
    tokio::spawn(async move { store.wait_past(after).await })
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(SOON, future).await.unwrap_or_else(|_| panic!("not within {SOON:?}"))
}

#[tokio::test]
async fn another_process_hears_of_an_append_at_once() {
    let schema = Schema::new();
    let (writer, reader) = (open(&schema, "writer").await, open(&schema, "reader").await);
    let mut after = GlobalPosition::START;
    let mut took = Vec::new();
    for _ in 0..9 {
        let waits = waiting(&reader, after);
        let begun = Instant::now();
        let position = append_one(&writer).await;
        assert_eq!(soon(waits).await.unwrap().unwrap(), position);
        took.push(begun.elapsed());
        after = position;
    }
    took.sort_unstable();
    assert!(took[4] < Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn what_is_appended_while_others_are_told_is_told_next() {
    let schema = Schema::new();
    let (writer, reader) = (open(&schema, "writer").await, open(&schema, "reader").await);
    let mut subscription = Subscription::new(Arc::new(reader), GlobalPosition::START, EventFilter::all());
    let writing = tokio::spawn(async move {
        for _ in 0..200 {
            append_one(&writer).await;
        }
        writer
    });
    for expected in 1..=200 {
        assert_eq!(soon(subscription.next()).await.unwrap().version.get(), expected);
    }
    writing.await.unwrap();
}

#[tokio::test]
async fn a_reader_whose_connection_is_cut_before_an_append_hears_of_it() {
    let schema = Schema::new();
    let (writer, reader) = (open(&schema, "writer").await, open(&schema, "reader").await);
    let sql = client(&schema.url).await;
    let mut after = GlobalPosition::START;
    for _ in 0..5 {
        let waits = waiting(&reader, after);
        cut(&sql, &schema, "reader").await;
        after = append_one(&writer).await;
        assert_eq!(soon(waits).await.unwrap().unwrap(), after);
        until_it_listens(&schema, "reader").await;
    }
}

#[tokio::test]
async fn a_writer_whose_connection_is_cut_tells_of_its_append_over_the_next() {
    let schema = Schema::new();
    let (writer, reader) = (open(&schema, "writer").await, open(&schema, "reader").await);
    let sql = client(&schema.url).await;
    let mut after = GlobalPosition::START;
    for _ in 0..5 {
        let waits = waiting(&reader, after);
        cut(&sql, &schema, "writer").await;
        after = append_one(&writer).await;
        assert_eq!(soon(waits).await.unwrap().unwrap(), after);
        until_it_listens(&schema, "writer").await;
    }
}

#[tokio::test]
async fn connections_that_are_cut_at_any_moment_lose_no_event_for_a_subscriber() {
    let schema = Schema::new();
    let (writer, reader) = (open(&schema, "writer").await, open(&schema, "reader").await);
    let mut subscription = Subscription::new(Arc::new(reader), GlobalPosition::START, EventFilter::all());
    let url = schema.url.clone();
    let cutting = [listening(&schema, "writer"), listening(&schema, "reader")];
    let cuts = Arc::new(AtomicI64::new(0));
    let cut_so_far = Arc::clone(&cuts);
    let saboteur = tokio::spawn(async move {
        let sql = client(&url).await;
        loop {
            for listening in &cutting {
                // In whatever it does at the moment.
                let busy = listening.replace("AND state = 'idle'", "");
                let cut = number(&sql, &format!("SELECT count(pg_terminate_backend(pid)) {busy}")).await;
                cuts.fetch_add(cut, SeqCst);
                // Not in step with what is done: at any moment of it.
                number(&sql, "SELECT 1::bigint FROM pg_sleep(0.07)").await;
            }
        }
    });
    // One at a time: nothing that comes later makes up for a word that was lost.
    let mut expected = 0;
    while expected < 40 || cut_so_far.load(SeqCst) < 10 {
        expected += 1;
        append_one(&writer).await;
        assert_eq!(soon(subscription.next()).await.unwrap().version.get(), expected);
        assert!(!saboteur.is_finished(), "nobody cuts connections any more");
    }
    saboteur.abort();
}

#[tokio::test]
async fn who_begins_to_wait_is_told_of_what_nobody_told() {
    let schema = Schema::new();
    let reader = open(&schema, "reader").await;
    let manager = deadpool_postgres::Manager::new(schema.url.parse().unwrap(), tokio_postgres::NoTls);
    let pool = deadpool_postgres::Pool::builder(manager).build().unwrap();
    let over_a_pool = PostgresBackend::from_pool(pool, quiet(&schema)).await.unwrap();
    let sql = client(&schema.url).await;
    for position in 1..=3 {
        sql.batch_execute(&append(&schema.name, "account-7", "Deposited")).await.unwrap();
        let before = GlobalPosition::new(position - 1);
        for store in [&reader, &over_a_pool] {
            assert_eq!(soon(store.wait_past(before)).await.unwrap().get(), position);
        }
    }
}

#[tokio::test]
async fn what_was_committed_past_the_store_can_be_announced_to_all() {
    let schema = Schema::new();
    let (here, there) = (open(&schema, "here").await, open(&schema, "there").await);
    let sql = client(&schema.url).await;
    let (waits_here, waits_there) =
        (waiting(&here, GlobalPosition::START), waiting(&there, GlobalPosition::START));
    sql.batch_execute(&append(&schema.name, "account-7", "Deposited")).await.unwrap();
    assert_eq!(here.announce().await.unwrap().get(), 1);
    assert_eq!(soon(waits_here).await.unwrap().unwrap().get(), 1);
    assert_eq!(soon(waits_there).await.unwrap().unwrap().get(), 1);
}

#[tokio::test]
async fn a_word_that_is_not_true_wakes_nobody() {
    let schema = Schema::new();
    let (writer, reader) = (open(&schema, "writer").await, open(&schema, "reader").await);
    let sql = client(&schema.url).await;
    let channel: String = {
        let listening = listening(&schema, "reader");
        let query = format!("SELECT replace(query, 'LISTEN ', '') {listening}");
        sql.query_one(&query, &[]).await.unwrap().get(0)
    };
    let waits = waiting(&reader, GlobalPosition::START);
    for lie in ["999999", "-1", "", "soon", "18446744073709551616"] {
        sql.batch_execute(&format!("NOTIFY {channel}, '{lie}'")).await.unwrap();
    }
    let position = append_one(&writer).await;
    assert_eq!(soon(waits).await.unwrap().unwrap(), position);
    assert_eq!(reader.head().await.unwrap(), position);
}

#[tokio::test]
async fn a_store_that_is_closed_at_once_has_told_of_its_last_append() {
    let schema = Schema::new();
    let (writer, reader) = (open(&schema, "writer").await, open(&schema, "reader").await);
    let waits = waiting(&reader, GlobalPosition::START);
    let position = append_one(&writer).await;
    writer.close().await.unwrap();
    assert_eq!(soon(waits).await.unwrap().unwrap(), position);
}

#[tokio::test]
async fn closing_ends_the_waiting() {
    let schema = Schema::new();
    let store = open(&schema, "store").await;
    let waits = waiting(&store, GlobalPosition::START);
    tokio::task::yield_now().await;
    store.close().await.unwrap();
    assert!(matches!(soon(waits).await.unwrap(), Err(StoreError::Closed)));
    assert!(matches!(store.wait_past(GlobalPosition::START).await, Err(StoreError::Closed)));
}

#[tokio::test]
async fn the_server_sees_no_connection_of_a_store_that_is_closed_or_dropped() {
    let schema = Schema::new();
    let (closed, dropped) = (open(&schema, "closed").await, open(&schema, "dropped").await);
    append_one(&closed).await;
    append_one(&dropped).await;
    let clone = dropped.clone();
    let waits = waiting(&dropped, GlobalPosition::END);
    closed.close().await.unwrap();
    drop(dropped);
    waits.abort();
    let sql = client(&schema.url).await;
    let left = |name| {
        let application = application(&schema, name);
        format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{application}'")
    };
    eventually("no connection of the closed store", async || number(&sql, &left("closed")).await == 0).await;
    assert!(number(&sql, &left("dropped")).await >= 2, "a clone is left");
    drop(clone);
    eventually("no connection of the dropped store", async || number(&sql, &left("dropped")).await == 0)
        .await;
}
