//! The backends that the features enable, under one roof.

#[cfg(feature = "memory")]
pub use eventstore_memory::{InMemoryBackend, InMemoryStats};
#[cfg(feature = "postgres")]
pub use eventstore_postgres::{
    Migrations, Partitioning, PostgresBackend, PostgresConfig, PostgresError, PostgresStats, SchemaName,
};
// The same type as that of `eventstore-wal`.
#[cfg(all(feature = "rocksdb", not(feature = "wal")))]
pub use eventstore_rocksdb::Durability;
#[cfg(feature = "rocksdb")]
pub use eventstore_rocksdb::{RocksDbBackend, RocksDbConfig, RocksDbError, RocksDbReader, RocksDbStats};
#[cfg(all(feature = "wal", feature = "parquet"))]
pub use eventstore_wal::ArchivePolicy;
#[cfg(feature = "wal")]
pub use eventstore_wal::{
    Damage, Durability, RecoveryReport, TornTail, WalBackend, WalConfig, WalReader, WalStats,
};

/// Everything else that the durable store has: `verify`, `salvage`, and what they answer.
#[cfg(feature = "wal")]
pub use eventstore_wal as wal;

/// Events as Parquet files that any tool can read.
#[cfg(feature = "parquet")]
pub use eventstore_parquet as parquet;

/// Everything else that the store on RocksDB has: `verify`, `restore`, and how it compresses.
#[cfg(feature = "rocksdb")]
pub use eventstore_rocksdb as rocksdb;

/// Everything else that the store on PostgreSQL has: `migrate`, and with the feature `parquet` what moves old events out of it.
#[cfg(feature = "postgres")]
pub use eventstore_postgres as postgres;

/// A store moved to another backend, also while it is in use.
#[cfg(feature = "migrate")]
pub use eventstore_migrate as migrate;

/// AllFrame's name for its durable store: here, the store in a directory.
#[cfg(feature = "wal")]
pub type AllSourceBackend = WalBackend;

/// AllFrame's name for how the durable store is set up. Its fields are other ones.
#[cfg(feature = "wal")]
pub type AllSourceConfig = WalConfig;

/// The backend of an [`EventStore`](crate::EventStore) whose type names none.
#[cfg(feature = "memory")]
pub type DefaultBackend = InMemoryBackend;

/// The backend of an [`EventStore`](crate::EventStore) whose type names none: without the feature `memory` there is none,
/// and the type must name one.
#[cfg(not(feature = "memory"))]
#[derive(Debug)]
pub enum DefaultBackend {}
