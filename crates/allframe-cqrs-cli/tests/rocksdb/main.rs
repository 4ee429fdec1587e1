//! The program on stores on RocksDB, as its users run it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by failing"
)]

mod damage;
mod looking;
mod moving;
mod other_store;
mod processes;
#[allow(dead_code, unused_imports, reason = "the other tests of the program use another part of it")]
#[path = "../commands/support/mod.rs"]
mod support;

use support::Place;

/// A directory to run the program in, on a store on RocksDB in `data`.
fn on_rocksdb() -> Place {
    Place::with("rocksdb:data")
}
