//! Schemas of events.

mod compatibility;

pub use compatibility::{CompatibilityMode, Direction, Finding, Reason, UnknownMode, incompatibilities};
