// On docs.rs, what a feature brings is marked with its name.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

mod append;
mod backend;
mod columns;
mod config;
mod connection;
mod elsewhere;
mod error;
mod filter;
mod head;
mod identity;
mod indexes;
mod json;
mod lent;
mod listener;
mod migrate;
mod page_reads;
mod partitioning;
mod question;
mod read;
mod replica;
mod replica_config;
mod requests;
#[cfg(feature = "parquet")]
mod retire;
mod settings;
mod statements;
mod stats;
mod store;
mod stored_event;
mod tls;

pub use backend::PostgresBackend;
pub use config::{Migrations, PostgresConfig, SchemaName};
pub use error::PostgresError;
pub use identity::{StoreIdentity, identity};
pub use migrate::{Migrated, migrate};
pub use page_reads::PageReads;
pub use partitioning::Partitioning;
pub use replica_config::ReplicaConfig;
#[cfg(feature = "parquet")]
pub use retire::{RetentionPolicy, RetiredPartition};
pub use stats::PostgresStats;
pub use tls::{Identity, Roots, Tls};
