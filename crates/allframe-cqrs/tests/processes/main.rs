//! Process managers: what follows from events, and from time, once, whatever dies meanwhile.
#![cfg(all(feature = "memory", feature = "macros"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails is a test that fails"
)]

mod crashes;
mod declared;
mod listing;
mod reacting;
mod refusals;
mod shop;
mod time;
mod trouble;
mod wrong;
