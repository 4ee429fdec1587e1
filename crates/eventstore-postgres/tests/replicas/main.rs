//! The store on a primary with replicas: what reads see that replicas serve, and what becomes of it when the primary is lost.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what went wrong by failing"
)]

#[path = "../support/mod.rs"]
mod support;

mod failover;
mod reading;
