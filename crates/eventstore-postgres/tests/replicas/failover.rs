//! The primary is lost, a replica takes its place, and stores, writers and subscribers go on by themselves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use crate::support::{
    outcome::{PATIENCE, client, eventually},
    pair::until_the_replica_is_read_from,
};
use eventstore_api::{
    Appended, EventFilter, EventId, EventStoreBackend, EventType, ExpectedVersion, GlobalPosition, NewEvent,
    Placement, RecordedEvent, StoreError, StreamId, Subscription, Timestamp, Version,
};
use eventstore_postgres::{PostgresBackend, PostgresConfig, ReplicaConfig};
use postgres_cluster::{Cluster, Replica};
use tokio::{
    sync::watch,
    task::{JoinHandle, block_in_place},
    time::{Instant, interval, timeout},
};

const WRITERS: usize = 16;
/// How often a store asks, though nobody told it anything: so seldom that it is the words of others that it goes on by.
const ASKS_EVERY: Duration = Duration::from_secs(60);

/// One of two servers, whichever takes appends: of several hosts, that goes without saying.
fn either(one: &Cluster, other: &Cluster) -> String {
    let host = |cluster: &Cluster| {
        let url = cluster.url();
        url.trim_start_matches("postgresql://postgres@").trim_end_matches("/postgres").to_owned()
    };
    format!("postgresql://postgres@{},{}/postgres", host(one), host(other))
}

fn config() -> PostgresConfig {
    PostgresConfig { pool_size: 4, poll_interval: ASKS_EVERY, ..PostgresConfig::default() }
}

fn event() -> NewEvent {
    NewEvent::new(EventType::new("Deposited").unwrap(), "1")
}

/// What a writer was told.
struct Acknowledged {
    id: EventId,
    at: Appended,
}

/// Appends one event after the other, each until it is acknowledged, and ten more once a new primary is there.
async fn write(
    store: PostgresBackend,
    stream: StreamId,
    counts: Arc<[AtomicUsize; 2]>,
    mut has_new_primary: watch::Receiver<bool>,
) -> Vec<Acknowledged> {
    let [acknowledged, unknown] = &*counts;
    let mut pace = interval(Duration::from_millis(2));
    let (mut told, mut left) = (Vec::new(), 10);
    while left > 0 {
        let event = event();
        let expected = ExpectedVersion::Exact(Version::new(told.len() as u64));
        let appended = loop {
            match store.append(&stream, expected, vec![event.clone()]).await {
                Ok(appended) => break appended,
                Err(error) if error.is_retryable() => {
                    unknown.fetch_add(usize::from(!error.outcome_is_known()), SeqCst);
                    pace.tick().await;
                }
                Err(error) => panic!("{error:?}"),
            }
        };
        acknowledged.fetch_add(1, SeqCst);
        told.push(Acknowledged { id: event.id, at: appended });
        left -= usize::from(*has_new_primary.borrow_and_update());
    }
    told
}

/// Follows until it comes to an event that says it is the last.
fn subscribe(store: &PostgresBackend) -> JoinHandle<Vec<RecordedEvent>> {
    let store = Arc::new(store.clone());
    tokio::spawn(async move {
        let mut subscription = Subscription::new(store, GlobalPosition::START, EventFilter::all());
        let mut pace = interval(Duration::from_millis(2));
        let mut seen = Vec::new();
        loop {
            match subscription.next().await {
                Ok(event) if event.event_type.as_str() == "Last" => return seen,
                Ok(event) => seen.push(event),
                Err(error) if error.is_retryable() => {
                    pace.tick().await;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    })
}

fn promote(replica: Replica) -> Cluster {
    block_in_place(|| replica.promote()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_synchronous_replica_no_acknowledged_event_is_lost_with_the_primary() {
    let builder = Cluster::builder().setting("synchronous_standby_names", "follower");
    let mut primary = builder.start().unwrap();
    let replica = primary.replica("follower").unwrap();
    replica.wait_until_streaming().unwrap();
    let url = either(&primary, &replica);

    let store = PostgresBackend::with_config(&url, config()).await.unwrap();
    // In another process, and one that reads from the replica, which is the primary later.
    let elsewhere = PostgresBackend::with_config(&url, config()).await.unwrap();
    let reads_replica = PostgresConfig { replica: Some(ReplicaConfig::new(replica.url())), ..config() };
    let on_replica = PostgresBackend::with_config(&url, reads_replica).await.unwrap();
    let subscribers = [subscribe(&store), subscribe(&elsewhere), subscribe(&on_replica)];

    let counts = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let (new_primary, has_new_primary) = watch::channel(false);
    let writers: Vec<_> = (0..WRITERS)
        .map(|number| {
            let stream = StreamId::new(format!("account-{number}")).unwrap();
            tokio::spawn(write(store.clone(), stream, Arc::clone(&counts), has_new_primary.clone()))
        })
        .collect();
    eventually("appends are on their way", async || counts[0].load(SeqCst) >= 20 * WRITERS).await;

    block_in_place(|| primary.kill()).unwrap();
    let promoted = promote(replica);
    let begun = Instant::now();
    new_primary.send_replace(true);
    let mut told = Vec::new();
    for writer in writers {
        told.push(timeout(PATIENCE, writer).await.expect("writers find the new primary").unwrap());
    }
    let last = NewEvent::new(EventType::new("Last").unwrap(), "");
    let last =
        store.append(&StreamId::new("end").unwrap(), ExpectedVersion::NoStream, vec![last]).await.unwrap();
    assert!(counts[1].load(SeqCst) > 0, "the primary was killed in the middle of appends");

    // Everything that was acknowledged is where it was said to be, once, and nothing else is there.
    for (number, told) in told.iter().enumerate() {
        let stream = StreamId::new(format!("account-{number}")).unwrap();
        let there: Vec<_> =
            store.get_events(&stream).await.unwrap().iter().map(|it| (it.id, it.position)).collect();
        let told: Vec<_> = told.iter().map(|it| (it.id, it.at.last_position)).collect();
        assert_eq!(there, told);
    }
    let all = store.get_all_events().await.unwrap();
    assert_eq!(all.len(), told.iter().map(Vec::len).sum::<usize>() + 1);
    for subscriber in subscribers {
        let mut seen = timeout(PATIENCE, subscriber).await.expect("subscribers go on").unwrap();
        seen.extend(all.last().cloned());
        assert_eq!(seen, all);
    }
    assert!(begun.elapsed() < ASKS_EVERY / 2, "they heard of the new events: {:?}", begun.elapsed());
    assert_eq!(store.head().await.unwrap(), last.last_position);
    drop(promoted);
}

/// What an asynchronous replica did not have when it was promoted is lost, though it was acknowledged, and its positions are given
/// to other events. A store that has seen them takes the log as it is now.
#[tokio::test(flavor = "multi_thread")]
async fn positions_that_were_lost_with_an_asynchronous_primary_are_no_positions_any_more() {
    let mut primary = Cluster::start().unwrap();
    let mut replica = primary.replica("follower").unwrap();
    replica.wait_until_streaming().unwrap();
    let url = either(&replica, &primary);
    let replicas = PostgresConfig { replica: Some(ReplicaConfig::new(replica.url())), ..config() };
    let store = PostgresBackend::with_config(&url, replicas).await.unwrap();
    let elsewhere = PostgresBackend::with_config(&url, config()).await.unwrap();
    let stream = StreamId::new("account-7").unwrap();
    let append = async || store.append(&stream, ExpectedVersion::Any, vec![event()]).await;

    for _ in 0..5 {
        append().await.unwrap();
    }
    let on_replica = client(&replica.url()).await;
    let events = "SELECT count(*) FROM eventstore.event_log";
    let are_there =
        async || on_replica.query_one(events, &[]).await.is_ok_and(|row| row.get::<_, i64>(0) == 5);
    eventually("the replica has them", are_there).await;
    block_in_place(|| replica.stop()).unwrap();
    for _ in 0..3 {
        append().await.unwrap();
    }
    let (five, eight) = (GlobalPosition::new(5), GlobalPosition::new(8));
    assert_eq!(elsewhere.wait_past(five).await.unwrap(), eight);

    block_in_place(|| primary.kill()).unwrap();
    block_in_place(|| replica.restart()).unwrap();
    let promoted = promote(replica);
    for store in [&store, &elsewhere] {
        eventually("the new primary is found", async || store.head().await.is_ok_and(|head| head == five))
            .await;
    }
    // Nobody is told of the old ones, and everybody of the new one in their place.
    let waiting: Vec<_> = [&store, &elsewhere]
        .map(|store| {
            let store = store.clone();
            tokio::spawn(async move { store.wait_past(five).await })
        })
        .into();
    let again = append_until_it_works(&store, &stream).await;
    assert_eq!(again.last_position, GlobalPosition::new(6));
    for waiting in waiting {
        let woken = timeout(ASKS_EVERY / 2, waiting).await.expect("they are told").unwrap().unwrap();
        assert_eq!(woken, again.last_position);
    }
    assert_eq!(store.get_events(&stream).await.unwrap().len(), 6);
    until_the_replica_is_read_from(&store).await;
    drop(promoted);
}

/// What was lost with the primary is restored by one of two who migrate: the same events at the same positions, in streams that have
/// other numbers by then. The other one, who goes on behind them, must not remember the old ones.
#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_of_streams_that_were_lost_are_forgotten() {
    let mut primary = Cluster::start().unwrap();
    let mut replica = primary.replica("follower").unwrap();
    replica.wait_until_streaming().unwrap();
    let url = either(&replica, &primary);
    let [one, other] = [(); 2].map(|()| PostgresBackend::with_config(&url, config()));
    let (one, other) = (one.await.unwrap(), other.await.unwrap());

    let recorded = |position: u64, name: &'static str, version: u64| {
        event().record(Placement {
            stream: StreamId::new(name).unwrap(),
            version: Version::new(version),
            position: GlobalPosition::new(position),
            recorded_at: Timestamp::from_micros(i64::try_from(position).unwrap()),
        })
    };
    let kept = vec![recorded(1, "old", 1)];
    let lost = vec![recorded(2, "a", 1), recorded(3, "b", 1), recorded(4, "a", 2)];
    let rest = vec![recorded(5, "b", 2), recorded(6, "a", 3)];

    one.restore(kept.clone()).await.unwrap();
    let on_replica = client(&replica.url()).await;
    let is_there = async || {
        let count = on_replica.query_one("SELECT count(*) FROM eventstore.event_log", &[]).await;
        count.is_ok_and(|row| row.get::<_, i64>(0) == 1)
    };
    eventually("the replica has the first", is_there).await;
    block_in_place(|| replica.stop()).unwrap();
    one.restore(lost.clone()).await.unwrap();

    block_in_place(|| primary.kill()).unwrap();
    block_in_place(|| replica.restart()).unwrap();
    let promoted = promote(replica);
    eventually("it is restored", async || other.restore(lost.clone()).await.is_ok()).await;
    eventually("the other goes on", async || one.restore(rest.clone()).await.is_ok()).await;
    assert_eq!(one.get_all_events().await.unwrap(), [kept, lost.clone(), rest.clone()].concat());
    for name in ["a", "b"] {
        let stream = StreamId::new(name).unwrap();
        let all = lost.iter().chain(&rest).filter(|event| event.stream == stream);
        assert_eq!(one.get_events(&stream).await.unwrap(), all.cloned().collect::<Vec<_>>());
    }
    drop(promoted);
}

/// A connection to the server that is gone may be left in the pool.
async fn append_until_it_works(store: &PostgresBackend, stream: &StreamId) -> Appended {
    let event = event();
    let mut pace = interval(Duration::from_millis(2));
    let appending = async {
        loop {
            match store.append(stream, ExpectedVersion::Any, vec![event.clone()]).await {
                Ok(appended) => return appended,
                Err(StoreError::Unavailable { .. } | StoreError::OutcomeUnknown { .. }) => {
                    pace.tick().await;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    };
    timeout(PATIENCE, appending).await.expect("it works before long")
}
