#![doc = include_str!("../README.md")]

mod backend;
mod log;
mod retry;
mod search;
mod span;
mod streams;
mod tags;
mod writer;

pub use backend::InMemoryBackend;
