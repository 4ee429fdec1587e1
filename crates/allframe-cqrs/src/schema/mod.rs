//! Schemas of events.

mod canonical;
mod check;
mod compatibility;
mod error;
mod event_schema;
pub mod files;
mod registry;
pub mod testing;
mod validation;

pub use check::{SchemaCheck, SchemaProblem};
pub(crate) use compatibility::undeclared_fields;
pub use compatibility::{
    Change, CompatibilityMode, Difference, Direction, Finding, Reason, UnknownMode, differences,
    incompatibilities,
};
pub use error::{IncompatibleSchemas, InvalidField, InvalidPayload, SchemaError};
pub use event_schema::{EventSchema, EventSchemas};
pub use registry::{RegisteredSchema, SchemaHistory, SchemaRegistry, SchemaReport};
pub(crate) use validation::Validators;
