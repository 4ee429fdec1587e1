//! A schema on a real server, for one test.
#![allow(dead_code, reason = "every test file uses another part of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper that fails is a test that fails")]

use std::time::Duration;

use eventstore_postgres::{PostgresBackend, PostgresConfig, SchemaName};
use tokio_postgres::{NoTls, Row};
use uuid::Uuid;

/// The server of this test run.
pub(crate) fn server() -> String {
    std::env::var("DATABASE_URL").unwrap_or_else(|_| {
        panic!("there is no server to test with: run `cargo xtask test`, or say in DATABASE_URL where one is")
    })
}

/// A schema in which there is no store yet. It goes when this is dropped.
pub(crate) struct Schema {
    pub(crate) name: SchemaName,
}

impl Schema {
    pub(crate) fn new() -> Self {
        Self { name: SchemaName::new(format!("test_{}", Uuid::now_v7().simple())).unwrap() }
    }

    /// The store in it, as another process would open it.
    pub(crate) async fn open(&self) -> PostgresBackend {
        Self::opened(self.name.as_str()).await
    }

    /// The store in a schema that another process has made.
    pub(crate) async fn opened(name: &str) -> PostgresBackend {
        let config = PostgresConfig {
            schema: SchemaName::new(name).unwrap(),
            pool_size: 4,
            poll_interval: Duration::from_millis(50),
            ..PostgresConfig::default()
        };
        PostgresBackend::with_config(&server(), config).await.unwrap()
    }

    /// The URL by which programs name it.
    pub(crate) fn url(&self) -> String {
        format!("{}#{}", server(), self.name)
    }

    /// What SQL says, run in the schema by somebody who knows nothing of the store but its schema.
    pub(crate) async fn sql(&self, query: &str) -> Vec<Row> {
        let (client, connection) = tokio_postgres::connect(&server(), NoTls).await.unwrap();
        let connected = tokio::spawn(connection);
        client.batch_execute(&format!("SET search_path = {}", self.name)).await.unwrap();
        let rows = client.query(query, &[]).await.unwrap();
        drop(client);
        connected.await.unwrap().unwrap();
        rows
    }
}

impl Drop for Schema {
    /// On a thread with a runtime of its own, wherever this is dropped. Where a test fails in the middle of a transaction, nobody
    /// ends that any more.
    fn drop(&mut self) {
        let drop = format!("SET lock_timeout = '20s'; DROP SCHEMA IF EXISTS {} CASCADE", self.name);
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (client, connection) = tokio_postgres::connect(&server(), NoTls).await.unwrap();
                let connected = tokio::spawn(connection);
                client.batch_execute(&drop).await.unwrap();
                std::mem::drop(client);
                connected.await.unwrap().unwrap();
            });
        });
        assert!(dropping.join().is_ok() || std::thread::panicking(), "the schema of a test is left behind");
    }
}
