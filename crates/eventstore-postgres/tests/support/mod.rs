//! Stores on a real server, each in a schema of its own.

#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by failing"
)]

pub(crate) mod events;
pub(crate) mod outcome;
pub(crate) mod pair;
pub(crate) mod sql;
pub(crate) mod turns;

use std::time::Duration;

use eventstore_postgres::{PostgresBackend, PostgresConfig, SchemaName};
use tokio_postgres::error::SqlState;
use uuid::Uuid;

/// The server of this test run.
pub(crate) fn server() -> String {
    std::env::var("DATABASE_URL").unwrap_or_else(|_| {
        panic!("there is no server to test with: run `cargo xtask test`, or say in DATABASE_URL where one is")
    })
}

/// A connection of its own to it.
pub(crate) async fn connect() -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(&server(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A schema in which there is no store yet. It goes when this is dropped.
pub(crate) struct Schema {
    pub(crate) name: SchemaName,
    pub(crate) url: String,
}

impl Schema {
    pub(crate) fn new() -> Self {
        Self::at(server())
    }

    /// One on another server.
    pub(crate) fn at(url: String) -> Self {
        Self { name: SchemaName::new(format!("test_{}", Uuid::now_v7().simple())).unwrap(), url }
    }

    pub(crate) fn config(&self) -> PostgresConfig {
        PostgresConfig {
            schema: self.name.clone(),
            pool_size: 4,
            // Machines that test are busy, and disks that many tests sync stall for seconds.
            acquire_timeout: Duration::from_secs(60),
            statement_timeout: Some(Duration::from_secs(60)),
            answer_timeout: Duration::from_secs(90),
            poll_interval: Duration::from_millis(50),
            ..PostgresConfig::default()
        }
    }

    pub(crate) async fn open(&self) -> PostgresBackend {
        self.open_with(self.config()).await
    }

    pub(crate) async fn open_with(&self, config: PostgresConfig) -> PostgresBackend {
        PostgresBackend::with_config(&self.url, config).await.unwrap()
    }
}

impl Drop for Schema {
    /// On a thread with a runtime of its own, wherever this is dropped.
    fn drop(&mut self) {
        let drop = format!("DROP SCHEMA IF EXISTS {} CASCADE", self.name);
        let url = self.url.clone();
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (client, connection) =
                    tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
                let connected = tokio::spawn(connection);
                // The last questions of a store that was just dropped may still be on their way, and take the same tables in
                // another order.
                let mut dropped = client.batch_execute(&drop).await;
                while dropped
                    .as_ref()
                    .is_err_and(|error| error.code() == Some(&SqlState::T_R_DEADLOCK_DETECTED))
                {
                    dropped = client.batch_execute(&drop).await;
                }
                dropped.unwrap();
                std::mem::drop(client);
                connected.await.unwrap().unwrap();
            });
        });
        assert!(dropping.join().is_ok() || std::thread::panicking(), "the schema of a test is left behind");
    }
}
