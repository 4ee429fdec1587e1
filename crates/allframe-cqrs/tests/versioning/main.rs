//! Events of earlier forms are read as those of today, wherever they are read.
#![cfg(all(feature = "memory", feature = "macros"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails is a test that fails"
)]

mod chains;
mod declared;
mod everywhere;
mod golden;
mod histories;
mod laws;
mod reading;
mod snapshots;
mod unknown;
mod upcasting;
