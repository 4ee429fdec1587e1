//! Sagas: steps that are all carried out, or undone, whatever dies meanwhile.
#![cfg(all(feature = "memory", feature = "macros"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails is a test that fails"
)]

#[path = "../support/mod.rs"]
mod support;

mod allframe;
mod commands;
mod compensation;
mod declared;
mod killed;
mod laws;
mod listing;
#[cfg(feature = "postgres")]
mod on_postgres;
mod stepping_in;
mod steps;
mod sub_sagas;
mod taking_over;
mod telling;
mod timeouts;
mod trips;
