#![doc = include_str!("../README.md")]

mod append;
mod backend;
mod columns;
mod config;
mod connection;
mod error;
mod filter;
mod head;
mod json;
mod lent;
mod listener;
mod migrate;
mod partitioning;
mod read;
#[cfg(feature = "parquet")]
mod retire;
mod settings;
mod statements;
mod store;
mod tls;

pub use backend::PostgresBackend;
pub use config::{Migrations, PostgresConfig, SchemaName};
pub use error::PostgresError;
pub use migrate::{Migrated, migrate};
pub use partitioning::Partitioning;
#[cfg(feature = "parquet")]
pub use retire::{RetentionPolicy, RetiredPartition};
pub use tls::{Identity, Roots, Tls};
