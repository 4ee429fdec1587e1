//! The toolkit on the store on RocksDB, and the flights example on it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails is a test that fails"
)]

#[path = "../support/domain.rs"]
mod domain;
#[path = "../../examples/flights/durable.rs"]
mod durable;
mod flights;
#[path = "../support/home.rs"]
mod home;
#[allow(dead_code, reason = "the program's own tests use another part of it")]
#[path = "../../examples/flights/program/mod.rs"]
mod program;
#[path = "../support/reopened.rs"]
mod reopened;
#[path = "../../examples/flights/trial.rs"]
mod trial;
mod typed;
