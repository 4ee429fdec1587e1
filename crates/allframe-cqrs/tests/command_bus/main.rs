//! Commands on their way to handlers, and what these decide on its way into the store.
#![cfg(all(feature = "memory", feature = "macros"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails is a test that fails"
)]

#[path = "../support/mod.rs"]
mod support;

mod allframe;
mod bank;
mod building;
mod caused_events;
mod deciding;
mod declaring;
mod dispatching;
mod injecting;
mod inverses_found;
mod inverting;
#[cfg(feature = "json-commands")]
mod json;
mod keys;
mod keys_within;
mod killed;
mod layers;
#[cfg(feature = "metrics")]
mod metrics;
mod telling;
#[cfg(feature = "validation")]
mod validating;
