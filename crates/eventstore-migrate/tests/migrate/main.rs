//! Stores that move.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod closing;
mod faulty;
mod following;
mod heavy_metadata;
mod interrupted;
mod last_moment;
mod mid_switch;
mod moving;
mod read_once;
mod refused;
mod saved_meanwhile;
mod slow_writes;
mod stores;
mod switch_in_any_order;
mod switching;
