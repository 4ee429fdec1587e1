#![doc = include_str!("../README.md")]

// `jsonl`, `postgres_rows` and `rocksdb_layout` have files of other crates in them, whose own tests are run there.

mod codec;
mod earlier_events;
mod input;
mod json_command;
#[cfg(not(test))]
mod jsonl;
mod parquet;
#[cfg(not(test))]
mod postgres_rows;
mod records;
#[cfg(not(test))]
mod rocksdb_layout;
mod schemas;
mod seeds;
mod store;
mod tables;
mod target;
mod texts;
mod workers;

pub use seeds::seeds;
pub use target::{Finding, Outcome, TARGETS, Target, run};
