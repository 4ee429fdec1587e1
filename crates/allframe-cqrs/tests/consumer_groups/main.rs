//! Consumer groups on the store in memory: sharing, taking over, parking.
#![cfg(all(feature = "memory", feature = "macros"))]
#![allow(clippy::print_stdout, reason = "a child tells its parent so what it has done")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails is a test that fails"
)]

mod deaths;
mod fencing;
mod from_outside;
mod group;
mod interleavings;
mod lags;
mod parking;
mod processes;
#[path = "../support/schema.rs"]
mod schema;
mod settings;
mod way;
