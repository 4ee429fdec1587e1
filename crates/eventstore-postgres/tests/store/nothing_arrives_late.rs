//! Once a reader has seen a position, nothing appears at or before it: with writers that stall, roll back and are killed, and
//! readers that poll as fast as they can.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use crate::support::{
    Schema,
    outcome::{PATIENCE, client, eventually, number},
    sql,
};
use eventstore_api::{
    EventFilter, EventStoreBackend, EventType, ExpectedVersion, GlobalPosition, NewEvent, ReadAll,
    StoreError, StreamId,
};
use eventstore_postgres::PostgresBackend;
use postgres_cluster::Cluster;
use tokio::{task::JoinHandle, time::timeout};

const TYPES: [&str; 2] = ["Deposited", "Withdrawn"];

/// Something that positions are appended to and read from, in SQL.
#[derive(Clone)]
struct Log {
    url: String,
    append: String,
    /// The positions behind `$1`, in order.
    after: String,
}

impl Log {
    fn of(schema: &Schema) -> Self {
        let after =
            format!("SELECT position FROM {}.event_log WHERE position > $1 ORDER BY position", schema.name);
        Self { url: schema.url.clone(), append: sql::append(&schema.name, "sql-1", TYPES[0]), after }
    }

    async fn after(&self, client: &tokio_postgres::Client, position: i64) -> Vec<i64> {
        let rows = client.query(&self.after, &[&position]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Reads what lies behind the last position, time and again, until it is told that nothing comes any more.
    fn follow(&self, is_over: &Arc<AtomicBool>) -> JoinHandle<Vec<i64>> {
        let (log, is_over) = (self.clone(), Arc::clone(is_over));
        tokio::spawn(async move {
            let client = client(&log.url).await;
            let mut seen = Vec::new();
            loop {
                // Before it reads: what was there then, it has to see.
                let is_last = is_over.load(SeqCst);
                seen.extend(log.after(&client, seen.last().copied().unwrap_or(0)).await);
                if is_last {
                    return seen;
                }
            }
        })
    }

    /// Appends in transactions that stay open for a while, of which every third is rolled back.
    fn stall(&self, number: u32, times: u32) -> JoinHandle<()> {
        let log = self.clone();
        tokio::spawn(async move {
            let client = client(&log.url).await;
            for time in 0..times {
                let pause = f64::from((number * 7 + time * 5) % 20) / 1_000.0;
                let end = if (number + time).is_multiple_of(3) { "ROLLBACK" } else { "COMMIT" };
                client
                    .batch_execute(&format!("BEGIN; {}; SELECT pg_sleep({pause}); {end}", log.append))
                    .await
                    .unwrap();
            }
        })
    }
}

/// What several readers missed while writers stalled: positions that are there, and that they did not see.
async fn missed(log: &Log) -> usize {
    let is_over = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3).map(|_| log.follow(&is_over)).collect();
    let writers: Vec<_> = (0..6).map(|number| log.stall(number, 30)).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    is_over.store(true, SeqCst);
    let all = log.after(&client(&log.url).await, 0).await;
    assert!(all.len() >= 100);
    let mut missed = 0;
    for reader in readers {
        let seen = reader.await.unwrap();
        assert!(seen.is_sorted(), "a reader goes on from the last position");
        missed += all.len() - seen.len();
    }
    missed
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_that_stall_and_roll_back_hide_nothing_from_readers() {
    let schema = Schema::new();
    let _store = schema.open().await;
    assert_eq!(missed(&Log::of(&schema)).await, 0);
}

/// The same, to show that the test above would notice: this is what nothing here is built on.
#[tokio::test(flavor = "multi_thread")]
async fn with_positions_from_a_sequence_readers_would_miss_events() {
    let schema = Schema::new();
    let table = format!("{}.event_log", schema.name);
    let client = client(&schema.url).await;
    client
        .batch_execute(&format!("CREATE SCHEMA {}; CREATE TABLE {table} (position bigserial)", schema.name))
        .await
        .unwrap();
    let log = Log { append: format!("INSERT INTO {table} DEFAULT VALUES"), ..Log::of(&schema) };
    assert!(missed(&log).await > 0);
}

/// Readers of a store. Each has to see every event that passes its filter, once and in order.
struct Readers {
    is_over: Arc<AtomicBool>,
    reading: Vec<(EventFilter, JoinHandle<Vec<u64>>)>,
}

impl Readers {
    fn start(stores: &[PostgresBackend]) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let one_type = EventFilter::types([EventType::new(TYPES[1]).unwrap()]);
        let filters = [EventFilter::all(), one_type, EventFilter::stream_prefix("account-")];
        let reading = stores.iter().flat_map(|store| {
            filters.iter().map(|filter| {
                (filter.clone(), tokio::spawn(follow(store.clone(), filter.clone(), Arc::clone(&is_over))))
            })
        });
        Self { reading: reading.collect(), is_over }
    }

    /// Everyone reads to the end, and what he saw is what is there.
    async fn have_seen_all_of(self, store: &PostgresBackend) -> u64 {
        let head = store.head().await.unwrap();
        self.is_over.store(true, SeqCst);
        for (filter, reader) in self.reading {
            let seen = timeout(PATIENCE, reader).await.expect("readers get on").unwrap();
            let mut query = ReadAll::forward().filter(filter.clone());
            let mut there = Vec::new();
            loop {
                let page = store.read_all(&query).await.unwrap();
                there.extend(page.events.iter().map(|event| event.position.get()));
                query = query.next_page(&page);
                if page.end_reached {
                    break;
                }
            }
            assert_eq!(seen, there, "{filter:?}");
            if filter.is_all() {
                assert_eq!(seen, (1..=head.get()).collect::<Vec<_>>());
            }
        }
        head.get()
    }
}

async fn follow(store: PostgresBackend, filter: EventFilter, is_over: Arc<AtomicBool>) -> Vec<u64> {
    let mut query = ReadAll::forward().filter(filter).limit(7);
    let mut seen = Vec::new();
    loop {
        let is_last = is_over.load(SeqCst);
        let page = match store.read_all(&query).await {
            Ok(page) => page,
            // A server that was killed is not there for a while.
            Err(error) if error.is_retryable() => continue,
            Err(error) => panic!("{error:?}"),
        };
        assert!(page.events.iter().all(|event| event.position > query.after && event.position <= page.next));
        seen.extend(page.events.iter().map(|event| event.position.get()));
        query = query.next_page(&page);
        if is_last && page.end_reached {
            return seen;
        }
    }
}

/// Appends as long as it takes: an event whose outcome is not known is appended again.
fn write(store: &PostgresBackend, number: usize, events: usize) -> JoinHandle<()> {
    let store = store.clone();
    tokio::spawn(async move {
        let stream = StreamId::new(format!("account-{number}")).unwrap();
        for count in 0..events {
            let event = NewEvent::new(EventType::new(TYPES[count % 2]).unwrap(), "1");
            loop {
                match store.append(&stream, ExpectedVersion::Any, vec![event.clone()]).await {
                    Ok(_) => break,
                    Err(StoreError::Unavailable { .. } | StoreError::OutcomeUnknown { .. }) => {
                        tokio::task::yield_now().await;
                    }
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
    })
}

async fn finish(writers: Vec<JoinHandle<()>>) {
    for writer in writers {
        timeout(PATIENCE, writer).await.expect("writers get on").unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_stores_that_append_at_once_see_everything_in_order() {
    let schema = Schema::new();
    let stores = [schema.open().await, schema.open().await];
    let log = Log::of(&schema);
    let is_over = Arc::new(AtomicBool::new(false));
    let (readers, by_sql) = (Readers::start(&stores), log.follow(&is_over));
    let mut writers: Vec<_> = (0..8).map(|number| write(&stores[number % 2], number, 40)).collect();
    writers.push(log.stall(1, 15));
    finish(writers).await;
    is_over.store(true, SeqCst);
    let head = readers.have_seen_all_of(&stores[0]).await;
    assert!(head > 320);
    assert_eq!(by_sql.await.unwrap(), (1..=i64::try_from(head).unwrap()).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_stays_open_elsewhere_holds_nobody_up() {
    let cluster = Cluster::start().unwrap();
    let schema = Schema::at(cluster.url());
    let store = schema.open().await;
    // With a number of its own, and a picture of how things were.
    let open = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT txid_current(); SELECT count(*) FROM pg_class";
    let (other, same) = (client(&cluster.url_of("template1")).await, client(&cluster.url()).await);
    other.batch_execute(open).await.unwrap();
    same.batch_execute(open).await.unwrap();
    number(&same, &format!("SELECT count(*) FROM {}.event_log", schema.name)).await;

    let readers = Readers::start(std::slice::from_ref(&store));
    finish((0..4).map(|number| write(&store, number, 30)).collect()).await;
    assert_eq!(readers.have_seen_all_of(&store).await, 120);
    for (client, of) in [(&other, "another database"), (&same, "the same database")] {
        let is_open = "SELECT count(txid_current_if_assigned())";
        assert_eq!(number(client, is_open).await, 1, "the transaction in {of} was open all the time");
        client.batch_execute("COMMIT").await.unwrap();
    }
}

/// An append in a transaction that has not ended, and whose client thinks. Everyone else who appends waits for it.
async fn stalled(cluster: &Cluster, schema: &Schema) -> (tokio_postgres::Client, i64) {
    let client = client(&cluster.url()).await;
    client.batch_execute("BEGIN").await.unwrap();
    client.batch_execute(&sql::append(&schema.name, "stalled-1", TYPES[1])).await.unwrap();
    let process = number(&client, "SELECT pg_backend_pid()::bigint").await;
    (client, process)
}

async fn until_somebody_waits_for_a_turn(cluster: &Cluster) {
    let other = client(&cluster.url()).await;
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    eventually("somebody waits for his turn", async || number(&other, waiting).await > 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_ended_in_the_middle_of_an_append_leaves_no_gap() {
    let cluster = Cluster::start().unwrap();
    let schema = Schema::at(cluster.url());
    let store = schema.open().await;
    let readers = Readers::start(std::slice::from_ref(&store));
    let mut writers = Vec::new();
    for round in 0..5 {
        let (stalled, process) = stalled(&cluster, &schema).await;
        writers.extend((0..3).map(|number| write(&store, round * 3 + number, 10)));
        until_somebody_waits_for_a_turn(&cluster).await;
        cluster.psql(&format!("SELECT pg_terminate_backend({process})")).unwrap();
        drop(stalled);
    }
    finish(writers).await;
    assert_eq!(readers.have_seen_all_of(&store).await, 150, "nothing of those that were ended is there");
}

/// The server ends all its processes then, and recovers.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_in_the_middle_of_an_append_leaves_no_gap() {
    let cluster = Cluster::start().unwrap();
    let schema = Schema::at(cluster.url());
    let store = schema.open().await;
    let readers = Readers::start(std::slice::from_ref(&store));
    let mut writers = Vec::new();
    for round in 0..2 {
        let (stalled, process) = stalled(&cluster, &schema).await;
        writers.extend((0..3).map(|number| write(&store, round * 3 + number, 20)));
        until_somebody_waits_for_a_turn(&cluster).await;
        let kill = format!("kill -s KILL {process}");
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        drop(stalled);
        let has_begun_anew = "all server processes terminated; reinitializing";
        let times = || cluster.log().unwrap().matches(has_begun_anew).count();
        eventually("the server has ended all its processes", async || times() == round + 1).await;
        eventually("the server is there again", async || store.head().await.is_ok()).await;
    }
    finish(writers).await;
    assert_eq!(readers.have_seen_all_of(&store).await, 120);
    assert_eq!(store.read_all(&ReadAll::after(GlobalPosition::new(120))).await.unwrap().events, []);
}
