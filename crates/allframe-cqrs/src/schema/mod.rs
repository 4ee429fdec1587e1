//! Schemas of events.

mod canonical;
mod compatibility;
mod event_schema;

pub use compatibility::{CompatibilityMode, Direction, Finding, Reason, UnknownMode, incompatibilities};
pub use event_schema::{EventSchema, EventSchemas};
