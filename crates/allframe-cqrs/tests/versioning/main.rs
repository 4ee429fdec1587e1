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
mod histories;
mod reading;
mod unknown;
mod upcasting;
