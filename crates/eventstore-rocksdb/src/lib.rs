#![doc = include_str!("../README.md")]

mod backend;
mod backup;
mod config;
mod database;
mod engine;
mod error;
mod gate;
mod layout;
mod moving;
mod published;
mod read;
mod reader;
mod stats;
mod verify;

pub use backend::RocksDbBackend;
pub use backup::restore;
pub use config::{Compression, Recovery, RocksDbConfig};
pub use error::{Cause, RocksDbError};
pub use eventstore_embedded::Durability;
pub use reader::RocksDbReader;
pub use stats::RocksDbStats;
pub use verify::{VerifyProgress, VerifyReport, verify, verify_with};
