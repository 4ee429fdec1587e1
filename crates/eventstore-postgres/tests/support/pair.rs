//! A primary and a replica of it.

use std::{sync::OnceLock, time::Duration};

use eventstore_api::{EventStoreBackend, ReadAll};
use eventstore_postgres::{PostgresBackend, PostgresConfig, ReplicaConfig};
use postgres_cluster::{Cluster, Replica};
use tokio::{
    sync::{Mutex, MutexGuard},
    time::timeout,
};

use super::{Schema, outcome::PATIENCE};

pub(crate) struct Pair {
    pub(crate) primary: Cluster,
    pub(crate) replica: Replica,
}

impl Pair {
    /// Of servers that nobody else uses.
    pub(crate) fn start() -> Self {
        let primary = Cluster::builder().setting("max_connections", "200").start().unwrap();
        let replica = primary.replica("follower").unwrap();
        replica.wait_until_streaming().unwrap();
        Self { primary, replica }
    }

    /// Of servers that the cases of a program share, none of which pauses them.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Pair> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Of other servers, for one test at a time, which may pause and kill the replica.
    pub(crate) async fn alone() -> MutexGuard<'static, Self> {
        static ALONE: OnceLock<Mutex<Pair>> = OnceLock::new();
        let pair = ALONE.get_or_init(|| Mutex::new(Self::start())).lock().await;
        // The test before may have failed in the middle.
        pair.resume();
        pair
    }

    pub(crate) fn schema(&self) -> Schema {
        Schema::at(self.primary.url())
    }

    /// A store that reads from the replica, and waits for it so long.
    pub(crate) fn config(&self, schema: &Schema, wait: Duration) -> PostgresConfig {
        let replica = ReplicaConfig::new(self.replica.url()).waits(wait);
        PostgresConfig { replica: Some(replica), ..schema.config() }
    }

    pub(crate) async fn open(&self, schema: &Schema, wait: Duration) -> PostgresBackend {
        let store = schema.open_with(self.config(schema, wait)).await;
        until_the_replica_is_read_from(&store).await;
        store
    }

    /// Keeps the replica from replaying what it gets.
    pub(crate) fn pause(&self) {
        self.replica.psql("SELECT pg_wal_replay_pause()").unwrap();
        let paused = || self.replica.psql("SELECT pg_get_wal_replay_pause_state()").unwrap();
        while paused() != "paused" {}
    }

    pub(crate) fn resume(&self) {
        self.replica.psql("SELECT pg_wal_replay_resume()").unwrap();
    }
}

pub(crate) async fn until_the_replica_is_read_from(store: &PostgresBackend) {
    let before = store.page_reads().from_replicas;
    let reading = async {
        while store.page_reads().from_replicas == before {
            store.read_all(&ReadAll::forward().limit(1)).await.unwrap();
        }
    };
    assert!(timeout(PATIENCE, reading).await.is_ok(), "no page comes from the replica");
}
