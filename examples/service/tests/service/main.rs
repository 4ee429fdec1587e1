//! The program itself, as it is built, over real HTTP: what it answers, what it tells, and how it ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod bookings;
mod collector;
mod commands;
mod correlation;
mod deaths;
mod health;
mod keys;
mod metrics;
mod postgres;
mod problems;
mod process;
mod queries;
mod shutdown;
mod slow;
mod traces;
mod until;
