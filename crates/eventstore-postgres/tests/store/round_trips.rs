//! How often client and server take turns.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use crate::support::{
    events::{append_of, events, stream},
    outcome::{PATIENCE, eventually},
    pair::{Pair, until_the_replica_is_read_from},
    turns::counting_turns,
};
use deadpool_postgres::{Manager, Pool};
use eventstore_api::{
    AppendBatch, AppendCondition, EventFilter, EventStoreBackend, EventType, ExpectedVersion, NewEvent,
    StreamId, Tags,
};
use eventstore_postgres::{PostgresBackend, PostgresConfig, ReplicaConfig};
use postgres_cluster::Cluster;
use tokio_postgres::NoTls;

/// A store whose turns are counted. Over a pool that is given there is nobody who tells of appends.
async fn counted(cluster: &Cluster) -> (PostgresBackend, Arc<AtomicUsize>) {
    let (url, turns) = counting_turns(cluster).await;
    let pool = Pool::builder(Manager::new(url.parse().unwrap(), NoTls)).max_size(1).build().unwrap();
    let config = PostgresConfig { pool_size: 1, ..PostgresConfig::default() };
    (PostgresBackend::from_pool(pool, config).await.unwrap(), turns)
}

#[tokio::test]
async fn an_append_costs_one_round_trip_however_much_it_holds() {
    let cluster = Cluster::start().unwrap();
    let (store, turns) = counted(&cluster).await;
    // The statement is prepared with its first use on a connection.
    store.append(&stream("first"), ExpectedVersion::Any, events(1)).await.unwrap();

    let before = turns.load(SeqCst);
    store.append(&stream("one"), ExpectedVersion::NoStream, events(1)).await.unwrap();
    assert_eq!(turns.load(SeqCst), before + 1);

    let nothing = EventFilter::tagged(Tags::parse(["course:rust"]).unwrap());
    let batch = AppendBatch::new().condition(AppendCondition::none(nothing));
    let batch = batch.guard(stream("one"), ExpectedVersion::StreamExists);
    let streams = (0..10).map(|number| stream(&format!("many-{number}")));
    let batch = streams.fold(batch, |batch, name| batch.append(name, ExpectedVersion::NoStream, events(100)));
    assert_eq!(store.append_all(batch).await.unwrap().len(), 10);
    assert_eq!(turns.load(SeqCst), before + 2);
}

#[tokio::test]
async fn streams_are_looked_for_once_as_long_as_nobody_else_appends() {
    let cluster = Cluster::start().unwrap();
    let (store, turns) = counted(&cluster).await;
    let other = PostgresBackend::connect(&cluster.url()).await.unwrap();
    let both = || vec![append_of("a", events(2)), append_of("b", events(1))];
    let import = async || {
        let before = turns.load(SeqCst);
        store.import(both()).await.unwrap();
        turns.load(SeqCst) - before
    };
    import().await;
    let known = import().await;
    other.append(&stream("c"), ExpectedVersion::Any, events(1)).await.unwrap();
    let looked_for = import().await;
    assert!(looked_for > known, "{looked_for} turns, and {known} where nobody had appended");
    assert_eq!(import().await, known);
    // A session that began later cannot know whether the server was down meanwhile.
    cluster.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'").unwrap();
    eventually("it is connected again", async || store.head().await.is_ok()).await;
    assert_eq!(import().await, looked_for);
    assert_eq!(import().await, known);
}

#[tokio::test]
async fn a_page_from_the_replica_costs_one_round_trip() {
    let pair = Pair::alone().await;
    let schema = pair.schema();
    let (url, turns) = counting_turns(&pair.replica).await;
    let replica = Some(ReplicaConfig::new(url).waits(PATIENCE));
    let store = schema.open_with(PostgresConfig { replica, pool_size: 2, ..schema.config() }).await;
    let stream = StreamId::new("account-7").unwrap();
    let event = NewEvent::new(EventType::new("Deposited").unwrap(), "1");
    store.append(&stream, ExpectedVersion::Any, vec![event]).await.unwrap();
    until_the_replica_is_read_from(&store).await;
    // Both statements are prepared with their first use on a connection.
    assert_eq!(store.get_events(&stream).await.unwrap().len(), 1);
    let before = (turns.load(SeqCst), store.page_reads());
    for _ in 0..50 {
        assert_eq!(store.get_events(&stream).await.unwrap().len(), 1);
    }
    assert_eq!(store.page_reads().from_replicas, before.1.from_replicas + 50);
    assert_eq!(turns.load(SeqCst), before.0 + 50);
}
