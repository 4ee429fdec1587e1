//! That a replica is asked how far it is costs no round trip of its own.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]
#![allow(clippy::indexing_slicing, reason = "a buffer holds what was read into it")]

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use eventstore_api::{EventStoreBackend, EventType, ExpectedVersion, NewEvent, StreamId};
use eventstore_postgres::{PostgresConfig, ReplicaConfig};
use postgres_cluster::Cluster;
use support::{
    pair::{Pair, until_the_replica_is_read_from},
    sql::PATIENCE,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
};

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

/// The URL of somebody who passes on what he hears, and counts how often the client spoke after the server.
async fn counting_turns(server: &Cluster) -> (String, Arc<AtomicUsize>) {
    let socket = server.directory().join(".s.PGSQL.5432");
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("postgresql://postgres@127.0.0.1:{}/postgres", listener.local_addr().unwrap().port());
    let turns = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&turns);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (server, turns) = (UnixStream::connect(&socket).await.unwrap(), Arc::clone(&counted));
            tokio::spawn(pass_on(client, server, turns));
        }
    });
    (url, turns)
}

async fn pass_on(mut client: TcpStream, mut server: UnixStream, turns: Arc<AtomicUsize>) {
    let (mut said, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut was_answered = true;
    loop {
        tokio::select! {
            Ok(length) = client.read(&mut said) => {
                turns.fetch_add(usize::from(was_answered), SeqCst);
                was_answered = false;
                if length == 0 || server.write_all(&said[..length]).await.is_err() { return }
            }
            Ok(length) = server.read(&mut answered) => {
                was_answered = true;
                if length == 0 || client.write_all(&answered[..length]).await.is_err() { return }
            }
            else => return,
        }
    }
}
