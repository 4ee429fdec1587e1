//! Read models without a registry: views of streams, tables, and queries, which wait for what they read.
#![cfg(all(feature = "memory", feature = "macros"))]

#[path = "../support/mod.rs"]
mod support;

mod query_bus;
mod stream_views;
mod tables;
