//! Reads that a replica serves: what they show, and what they do while it is behind or away.

use std::{process::Command, time::Duration};

use crate::support::{
    outcome::{PATIENCE, client, eventually, number},
    pair::{Pair, until_the_replica_is_read_from},
};
use eventstore_api::{
    Encoding, EventFilter, EventStoreBackend, EventType, ExpectedVersion, GlobalPosition, NewEvent, ReadAll,
    Snapshot, StoreError, StreamId, Version,
};
use eventstore_postgres::{PostgresBackend, PostgresConfig, ReplicaConfig};
use postgres_cluster::Cluster;
use tokio::time::{Instant, timeout};

/// For tests in which the replica is never to be waited for in vain.
const LONG: Duration = Duration::from_secs(30);
/// For those in which it is.
const SHORT: Duration = Duration::from_millis(50);

fn stream() -> StreamId {
    StreamId::new("account-7").unwrap()
}

fn event() -> NewEvent {
    NewEvent::new(EventType::new("Deposited").unwrap(), "1")
}

async fn append(store: &PostgresBackend, expected: ExpectedVersion) -> Result<GlobalPosition, StoreError> {
    Ok(store.append(&stream(), expected, vec![event()]).await?.last_position)
}

async fn count(store: &PostgresBackend) -> usize {
    store.get_events(&stream()).await.unwrap().len()
}

#[tokio::test]
async fn pages_of_events_come_from_the_replica() {
    let pair = Pair::alone().await;
    let schema = pair.schema();
    let store = pair.open(&schema, LONG).await;
    for expected in 1..=20 {
        append(&store, ExpectedVersion::Any).await.unwrap();
        assert_eq!(count(&store).await, expected);
        assert_eq!(store.get_all_events().await.unwrap().len(), expected);
        let none = ReadAll::forward().filter(EventFilter::types([EventType::new("Closed").unwrap()]));
        assert!(store.read_all(&none).await.unwrap().end_reached);
        assert_eq!(store.read_all(&ReadAll::backward().limit(1)).await.unwrap().events.len(), 1);
    }
    // But for what was read until it was found.
    let before = store.page_reads();
    for _ in 0..100 {
        assert_eq!(count(&store).await, 20);
    }
    let after = store.page_reads();
    assert_eq!(after.from_primary, before.from_primary);
    assert_eq!(after.from_replicas, before.from_replicas + 100);
}

#[tokio::test]
async fn a_reader_sees_what_he_appended_though_the_replica_is_behind() {
    let pair = Pair::alone().await;
    let schema = pair.schema();
    let store = pair.open(&schema, SHORT).await;
    pair.pause();
    for expected in 1..=3 {
        append(&store, ExpectedVersion::Any).await.unwrap();
        assert_eq!(count(&store).await, expected);
    }
    // It was waited for once, and is left alone since.
    let (before, begun) = (store.page_reads(), Instant::now());
    for _ in 0..20 {
        assert_eq!(count(&store).await, 3);
    }
    assert!(begun.elapsed() < SHORT * 20, "{:?}", begun.elapsed());
    assert_eq!(store.page_reads().from_replicas, before.from_replicas);
    pair.resume();
    until_the_replica_is_read_from(&store).await;
    assert_eq!(count(&store).await, 3);
}

/// Also when nobody here has appended or read anything: what was acknowledged before is shown.
#[tokio::test]
async fn a_store_that_was_just_opened_shows_all_though_the_replica_is_behind() {
    let pair = Pair::alone().await;
    let schema = pair.schema();
    let writer = pair.open(&schema, SHORT).await;
    pair.pause();
    append(&writer, ExpectedVersion::Any).await.unwrap();
    let replica = Some(ReplicaConfig::new(pair.replica.url()).waits(SHORT));
    let store = schema.open_with(PostgresConfig { replica, ..schema.config() }).await;
    // Long enough for the replica to be found, which is there and answers.
    let begun = Instant::now();
    while begun.elapsed() < SHORT * 20 {
        assert_eq!(count(&store).await, 1);
    }
    assert_eq!(store.page_reads().from_replicas, 0);
    pair.resume();
}

#[tokio::test]
async fn a_read_waits_for_a_replica_that_is_a_moment_behind() {
    let pair = Pair::alone().await;
    let schema = pair.schema();
    let store = pair.open(&schema, LONG).await;
    pair.pause();
    append(&store, ExpectedVersion::Any).await.unwrap();
    let before = store.page_reads();
    let reading = {
        let store = store.clone();
        tokio::spawn(async move { count(&store).await })
    };
    // It asks the replica, time and again.
    let replica = client(&pair.replica.url()).await;
    let asks = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'eventstore' \
        AND query LIKE '% AS head' AND state_change > now() - interval '1 s'";
    eventually("the replica is asked", async || number(&replica, asks).await > 0).await;
    assert!(!reading.is_finished());
    pair.resume();
    assert_eq!(timeout(PATIENCE, reading).await.unwrap().unwrap(), 1);
    let after = store.page_reads();
    assert_eq!((after.from_primary, after.from_replicas), (before.from_primary, before.from_replicas + 1));
}

#[tokio::test]
async fn a_replica_that_is_gone_costs_no_read_and_is_found_again() {
    let mut pair = Pair::alone().await;
    let schema = pair.schema();
    let store = pair.open(&schema, SHORT).await;
    append(&store, ExpectedVersion::Any).await.unwrap();
    pair.replica.kill().unwrap();
    let begun = Instant::now();
    for _ in 0..50 {
        assert_eq!(count(&store).await, 1);
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    append(&store, ExpectedVersion::Any).await.unwrap();
    pair.replica.restart().unwrap();
    until_the_replica_is_read_from(&store).await;
    assert_eq!(count(&store).await, 2);
}

/// It is there, and says nothing: as a machine that has crashed, or a cable that was pulled.
#[tokio::test]
async fn a_replica_that_hangs_costs_one_read_as_long_as_it_may_wait() {
    let pair = Pair::alone().await;
    let schema = pair.schema();
    let store = pair.open(&schema, SHORT).await;
    append(&store, ExpectedVersion::Any).await.unwrap();
    until_the_replica_is_read_from(&store).await;
    let processes =
        pair.replica.psql("SELECT pid FROM pg_stat_activity WHERE application_name = 'eventstore'");
    let postmaster = std::fs::read_to_string(pair.replica.directory().join("data/postmaster.pid")).unwrap();
    let hanging = format!("{} {}", postmaster.lines().next().unwrap(), processes.unwrap().replace('\n', " "));
    let signal = |name: &str| {
        let kill = format!("kill -s {name} {hanging}");
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    };
    signal("STOP");
    let begun = Instant::now();
    for _ in 0..50 {
        assert_eq!(count(&store).await, 1);
    }
    let took = begun.elapsed();
    signal("CONT");
    assert!(took < Duration::from_secs(5), "{took:?}");
    until_the_replica_is_read_from(&store).await;
}

#[tokio::test]
async fn what_somebody_has_seen_in_another_process_is_shown_to_him() {
    let pair = Pair::alone().await;
    let schema = pair.schema();
    let (elsewhere, here) = (schema.open().await, pair.open(&schema, SHORT).await);
    pair.pause();
    let position = append(&elsewhere, ExpectedVersion::Any).await.unwrap();
    let before = here.page_reads();
    assert_eq!(count(&here).await, 0, "nobody told this one, and the replica does not have it");
    assert_eq!(here.page_reads().from_replicas, before.from_replicas + 1);
    here.mark_seen(position);
    assert_eq!(count(&here).await, 1);
}

#[tokio::test]
async fn a_reader_who_comes_from_a_position_sees_all_up_to_there() {
    let pair = Pair::alone().await;
    let schema = pair.schema();
    let (elsewhere, here) = (schema.open().await, pair.open(&schema, SHORT).await);
    pair.pause();
    let position = append(&elsewhere, ExpectedVersion::Any).await.unwrap();
    assert!(here.read_all(&ReadAll::after(position)).await.unwrap().events.is_empty());
    assert_eq!(count(&here).await, 1, "his checkpoint says that he has seen it");
}

#[tokio::test]
async fn who_lost_a_race_sees_why() {
    let pair = Pair::alone().await;
    let schema = pair.schema();
    let (elsewhere, here) = (schema.open().await, pair.open(&schema, SHORT).await);
    pair.pause();
    append(&elsewhere, ExpectedVersion::NoStream).await.unwrap();
    let lost = append(&here, ExpectedVersion::NoStream).await.unwrap_err();
    assert!(matches!(lost, StoreError::WrongExpectedVersion { actual, .. } if actual == Version::new(1)));
    // The first of these reads finds out how far the log goes.
    for _ in 0..3 {
        assert_eq!(count(&here).await, 1);
    }
}

#[tokio::test]
async fn who_appends_again_what_another_process_stored_sees_it() {
    let pair = Pair::alone().await;
    let schema = pair.schema();
    let (elsewhere, here) = (schema.open().await, pair.open(&schema, SHORT).await);
    pair.pause();
    let event = event();
    let first = elsewhere.append(&stream(), ExpectedVersion::NoStream, vec![event.clone()]).await.unwrap();
    let again = here.append(&stream(), ExpectedVersion::NoStream, vec![event]).await.unwrap();
    assert_eq!(again, first);
    assert_eq!(count(&here).await, 1);
}

#[tokio::test]
async fn who_was_woken_sees_the_event() {
    let pair = Pair::alone().await;
    let schema = pair.schema();
    let (elsewhere, here) = (schema.open().await, pair.open(&schema, SHORT).await);
    pair.pause();
    append(&elsewhere, ExpectedVersion::Any).await.unwrap();
    timeout(PATIENCE, here.wait_past(GlobalPosition::START)).await.unwrap().unwrap();
    assert_eq!(here.read_all(&ReadAll::forward()).await.unwrap().events.len(), 1);
}

/// A commit waits for a synchronous replica, and another one has replayed it meanwhile. To show it would be to take it back with
/// the next read that goes to the primary, and for ever when the primary is lost before it was acknowledged.
#[tokio::test]
async fn what_the_primary_does_not_show_yet_no_replica_shows() {
    let pair = Pair::alone().await;
    let schema = pair.schema();
    let store = pair.open(&schema, LONG).await;
    let nobody = waiting_for_nobody(&pair);
    let primary = client(&schema.url).await;
    let setting =
        "SELECT count(*) FROM pg_settings WHERE name = 'synchronous_standby_names' AND setting = 'nobody'";
    eventually("the setting has arrived", async || number(&primary, setting).await == 1).await;
    let appending = {
        let store = store.clone();
        tokio::spawn(async move { append(&store, ExpectedVersion::Any).await })
    };
    let replica = client(&pair.replica.url()).await;
    let events = format!("SELECT count(*) FROM {}.event_log", schema.name);
    eventually("it is on the replica", async || number(&replica, &events).await == 1).await;
    assert_eq!(number(&primary, &events).await, 0);

    assert_eq!(count(&store).await, 0);
    assert_eq!(store.read_all(&ReadAll::forward()).await.unwrap().events.len(), 0);
    let never = ReadAll::forward().filter(EventFilter::types([EventType::new("Closed").unwrap()]));
    assert_eq!(store.read_all(&never).await.unwrap().next, GlobalPosition::START);

    drop(nobody);
    timeout(PATIENCE, appending).await.unwrap().unwrap().unwrap();
    assert_eq!(count(&store).await, 1);
}

/// Until it is dropped, commits of the primary wait for a replica that is not there.
fn waiting_for_nobody(pair: &Pair) -> impl Drop {
    struct Waiting<'p>(&'p Pair);
    impl Waiting<'_> {
        fn on(&self, name: &str) {
            let set = format!("ALTER SYSTEM SET synchronous_standby_names = '{name}'");
            self.0.primary.psql(&set).unwrap();
            self.0.primary.psql("SELECT pg_reload_conf()").unwrap();
        }
    }
    impl Drop for Waiting<'_> {
        fn drop(&mut self) {
            // Also when the test has failed, or the schema could not be dropped.
            self.on("");
        }
    }
    let waiting = Waiting(pair);
    waiting.on("nobody");
    waiting
}

#[tokio::test]
async fn snapshots_and_statistics_come_from_the_primary() {
    let pair = Pair::alone().await;
    let schema = pair.schema();
    let store = pair.open(&schema, SHORT).await;
    pair.pause();
    append(&store, ExpectedVersion::Any).await.unwrap();
    let state = EventType::new("State").unwrap();
    let snapshot = Snapshot::new(stream(), Version::new(1), state, "1").with_encoding(Encoding::BINARY);
    store.save_snapshot(snapshot.clone()).await.unwrap();
    assert_eq!(store.get_latest_snapshot(&stream()).await.unwrap(), Some(snapshot));
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.total_events, stats.total_snapshots), (1, 1));
    assert_eq!(store.head().await.unwrap(), stats.head);
}

#[tokio::test]
async fn a_server_that_follows_somebody_else_is_not_read_from() {
    let (ours, theirs) = (Pair::alone().await, Cluster::start().unwrap());
    let schema = ours.schema();
    let foreign = PostgresBackend::with_config(&theirs.url(), schema.config()).await.unwrap();
    append(&foreign, ExpectedVersion::Any).await.unwrap();
    let replica = Some(ReplicaConfig::new(theirs.url()).waits(LONG));
    let store = schema.open_with(PostgresConfig { replica, ..schema.config() }).await;
    // Asked, it would say that it is far enough.
    let asked = client(&theirs.url()).await;
    let asks = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'eventstore' \
        AND query LIKE '%pg_control_system()' AND state = 'idle'";
    eventually("it was asked who it is", async || number(&asked, asks).await > 0).await;
    for _ in 0..100 {
        assert_eq!(count(&store).await, 0);
    }
    assert_eq!(store.page_reads().from_replicas, 0);
}

#[tokio::test]
async fn a_url_of_a_replica_that_cannot_be_read_is_an_error_when_the_store_is_opened() {
    let schema = Pair::alone().await.schema();
    let replica = Some(ReplicaConfig::new("postgresql://host:port/"));
    let error = PostgresBackend::with_config(&schema.url, PostgresConfig { replica, ..schema.config() })
        .await
        .unwrap_err();
    assert!(String::from(error).contains("URL cannot be read"));
}
