//! The same domain code on every store: in memory, in a directory, on a PostgreSQL server. On RocksDB: `tests/rocksdb`.
#![cfg(all(feature = "memory", feature = "wal", feature = "postgres", feature = "macros"))]
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

#[path = "support/domain.rs"]
mod domain;
#[path = "support/home.rs"]
mod home;
#[path = "support/schema.rs"]
mod schema;

use allframe_cqrs::{InMemoryBackend, PostgresBackend, WalBackend};
use domain::every_case;
use home::Home;
use schema::Schema;
use tempfile::TempDir;

every_case!(in memory, Nowhere);
every_case!(in wal, Directory);
every_case!(in postgres, Schema);

#[derive(Default)]
struct Nowhere;

impl Home for Nowhere {
    type Backend = InMemoryBackend;

    async fn begin(&self) -> InMemoryBackend {
        InMemoryBackend::new()
    }
}

struct Directory(TempDir);

impl Default for Directory {
    fn default() -> Self {
        Self(TempDir::new().unwrap())
    }
}

impl Home for Directory {
    type Backend = WalBackend;

    async fn begin(&self) -> WalBackend {
        WalBackend::production(self.0.path()).unwrap()
    }
}

impl Default for Schema {
    fn default() -> Self {
        Self::new()
    }
}

impl Home for Schema {
    type Backend = PostgresBackend;

    async fn begin(&self) -> PostgresBackend {
        self.open().await
    }
}
