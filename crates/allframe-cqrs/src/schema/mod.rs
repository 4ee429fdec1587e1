//! Schemas of events: derived from their types, kept in the event store itself, compared before a program starts.
//!
//! [`#[event(schema)]`](crate::event) gives a type [`EventSchemas`]: a JSON schema for every name and version under which its events
//! are stored. A store that is made [`with_schemas`](crate::EventStore::with_schemas) compares them with those in its
//! [`SchemaRegistry`], by a [`CompatibilityMode`], and refuses to be made where something that was stored would not be read, naming
//! the field and the reason. In CI, where there is no store, [`testing`] compares them with files.
//!
//! ```
//! use allframe_cqrs::{EventStore, event, schema::{CompatibilityMode, SchemaCheck}};
//! use serde::{Deserialize, Serialize};
//!
//! #[event(schema)]
//! #[derive(Clone, Serialize, Deserialize)]
//! enum AccountEvent {
//!     Opened { owner: String },
//!     Deposited { amount: u64 },
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let check = SchemaCheck::new(CompatibilityMode::BackwardTransitive);
//! let store = EventStore::<AccountEvent>::new().with_schemas(check).await?;
//! assert_eq!(store.schema_registry().history("Opened").await?.versions(), [1]);
//! # Ok::<(), allframe_cqrs::schema::SchemaError>(()) }).unwrap();
//! ```
//!
//! What is compared is JSON. Nothing of this is met when events are read: an event of today's version is read as without it.

mod canonical;
mod check;
mod compatibility;
mod error;
mod event_schema;
pub mod files;
#[cfg(doctest)]
mod page;
mod registry;
pub mod testing;
mod validation;

pub use check::{SchemaCheck, SchemaProblem, incompatible_releases};
pub(crate) use compatibility::undeclared_fields;
pub use compatibility::{
    Change, CompatibilityMode, Difference, Direction, Finding, Reason, UnknownMode, differences,
    incompatibilities,
};
pub use error::{IncompatibleSchemas, InvalidField, InvalidPayload, SchemaError};
pub use event_schema::{EventSchema, EventSchemas};
pub use registry::{RegisteredSchema, SchemaHistory, SchemaRegistry, SchemaReport};
pub(crate) use validation::Validators;
