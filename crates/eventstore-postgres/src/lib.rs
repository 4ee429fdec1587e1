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
mod json;
mod listener;
mod migrate;
mod page_reads;
mod read;
mod replica;
mod replica_config;
mod statements;
mod store;

pub use backend::PostgresBackend;
pub use config::{Migrations, PostgresConfig, SchemaName};
pub use error::PostgresError;
pub use page_reads::PageReads;
pub use replica_config::ReplicaConfig;
