//! Stores that move.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod faulty;
mod following;
mod interrupted;
mod moving;
mod refused;
mod stores;
mod switching;
