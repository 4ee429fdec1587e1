//! The bytes of payloads and of what a log keeps: they never change, they come back as they were, and no others do harm.

#[path = "../support/mod.rs"]
mod support;

mod golden;
mod golden_log;
mod log_damage;
mod log_round_trip;
