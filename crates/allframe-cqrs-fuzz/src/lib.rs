#![doc = include_str!("../README.md")]

mod codec;
mod input;
mod json_command;
mod parquet;
mod records;
mod schemas;
mod seeds;
mod store;
mod target;
mod texts;
mod workers;

pub use seeds::seeds;
pub use target::{Finding, Outcome, TARGETS, Target, run};
