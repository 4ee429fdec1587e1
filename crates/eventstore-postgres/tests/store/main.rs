//! The store on one server: what is appended and read, how it is opened, and what SQL, roles and partitions do to it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what went wrong by failing"
)]

#[path = "../support/mod.rs"]
mod support;

mod bulk_import;
mod bulk_load;
mod damaged;
mod hostile;
#[cfg(unix)]
mod identities;
mod inside_a_transaction;
mod migrations;
mod nothing_arrives_late;
#[cfg(unix)]
mod opening;
mod partitions;
mod plans;
#[cfg(feature = "parquet")]
mod retention;
#[cfg(unix)]
mod roles;
mod round_trips;
#[cfg(all(unix, feature = "tls"))]
mod tls;
mod views;
mod wake_up;
