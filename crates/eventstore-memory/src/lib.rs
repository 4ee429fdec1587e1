#![doc = include_str!("../README.md")]

mod backend;
mod lists;
mod log;
mod retry;
mod search;
#[cfg(test)]
mod search_tests;
mod span;
mod stats;
mod streams;
mod tags;
mod writer;
#[cfg(test)]
mod writer_tests;

pub use backend::InMemoryBackend;
pub use stats::InMemoryStats;
