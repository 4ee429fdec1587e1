//! Schemas of events: derived, compared, kept and checked.
#![cfg(all(feature = "memory", feature = "macros", feature = "schema"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails is a test that fails"
)]

mod checking;
mod compatibility;
mod deriving;
mod differing;
mod doubtful;
mod filing;
mod laws;
mod programs;
mod registering;
mod shapes;
mod validating;
