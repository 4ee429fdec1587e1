//! What becomes of a store, and of those who use it, when files are damaged, the disk is full, processes are killed, and
//! callers do what they should not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by failing"
)]

#[path = "../support/mod.rs"]
mod support;

mod backup;
mod bounded;
mod damaged;
#[cfg(target_os = "linux")]
mod full_disk;
mod log_format;
mod misuse;
mod other_store;
mod read_only;
mod salvage;
mod verify;
