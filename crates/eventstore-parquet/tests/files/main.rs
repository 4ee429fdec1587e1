//! Files of events: written, read whole or a few rows of them, damaged, and read by others.

#[path = "../support/mod.rs"]
mod support;

mod damage;
mod failing_output;
mod golden;
mod interop;
mod round_trip;
mod rows;
