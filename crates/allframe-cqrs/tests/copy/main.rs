//! A store is rewritten into another one, wholly and exactly once, whatever comes in between.
#![cfg(all(feature = "memory", feature = "macros"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails is a test that fails"
)]

#[path = "../support/mod.rs"]
mod support;

mod beginnings;
mod flights;
mod key_records;
mod killed;
mod model;
#[cfg(feature = "postgres")]
mod on_postgres;
mod reencoding;
mod resuming;
mod stores;
mod transforms;
mod verifying;
