//! The same domain code on every store: in memory, in a directory, on a PostgreSQL server. On RocksDB: `tests/rocksdb`.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use crate::domain::every_case;
use crate::home::Home;
use crate::schema::Schema;
use allframe_cqrs::{InMemoryBackend, PostgresBackend, WalBackend};
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
