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
mod listener;
mod migrate;
mod read;
mod statements;
mod store;

pub use backend::PostgresBackend;
pub use config::{Migrations, PostgresConfig, SchemaName};
pub use error::PostgresError;
