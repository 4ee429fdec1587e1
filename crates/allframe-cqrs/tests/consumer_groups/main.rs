//! Consumer groups on the store in memory: sharing, taking over, parking.
#![cfg(all(feature = "memory", feature = "macros"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper that fails is a test that fails")]

mod deaths;
mod group;
