//! Sagas: steps that are all carried out, or undone, whatever dies meanwhile.
#![cfg(feature = "memory")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails is a test that fails"
)]

mod compensation;
#[cfg(feature = "macros")]
mod declared;
mod steps;
mod support;
