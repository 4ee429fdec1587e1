//! Aggregates: loaded, decided on, appended to, and what saves reading.
#![cfg(all(feature = "memory", feature = "macros"))]

#[path = "../support/mod.rs"]
mod support;

mod cache;
mod executing;
mod snapshots;
