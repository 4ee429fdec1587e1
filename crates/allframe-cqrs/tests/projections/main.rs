//! The registry of projections: what it keeps up, how it stops, and what it builds anew.
#![cfg(all(feature = "memory", feature = "macros"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod at_once;
mod consistency;
mod discovery;
mod effects;
mod faults;
mod first_build;
mod following;
mod kept;
mod killed;
mod ledger;
mod rebuild;
mod rebuild_equals_live;
#[path = "../support/mod.rs"]
mod support;
mod tables;
#[cfg(feature = "metrics")]
mod telling;
