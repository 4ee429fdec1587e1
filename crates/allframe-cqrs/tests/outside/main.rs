//! Read models in a database outside: what goes into them, and that it goes in once.
#![cfg(all(feature = "memory", feature = "macros"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod database;
mod faults;
mod following;
#[cfg(feature = "postgres")]
mod killed;
mod ledger;
mod outages;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod postgres_faults;
#[cfg(feature = "postgres")]
mod postgres_next_version;
#[cfg(feature = "postgres")]
mod postgres_table;
#[cfg(feature = "postgres")]
#[path = "../support/schema.rs"]
mod schema;
