#![doc = include_str!("../README.md")]

mod aggregate;
mod backends;
mod command;
pub mod compat;
pub mod consumer_group;
mod draft;
mod error;
mod event;
mod event_store;
mod payload;
#[cfg(doctest)]
mod project_readme;
mod projection;
mod query;
mod recorded;
mod repository;

pub use aggregate::{Aggregate, Snapshot};
#[cfg(feature = "macros")]
pub use allframe_cqrs_macros::{command, command_handler, event, query, query_handler};
pub use async_trait::async_trait;
pub use backends::*;
pub use command::{Command, CommandError, CommandHandler, CommandResult, ValidationError};
pub use draft::Draft;
pub use error::{DecodeError, DecodeReason, Error, Result};
#[doc(hidden)]
pub use event::EventBounds;
pub use event::{Event, EventTypeName, EventVariant};
pub use event_store::{Batch, CatchUp, EventStore, EventStream, Matching};
pub use eventstore_api as api;
pub use eventstore_api::{
    Appended, BackendStats, Criterion, EventFilter, EventId, EventStoreBackend, ExpectedVersion,
    GlobalPosition, IntoStreamId, InvalidInput, Metadata, ReadAll, StoreError, StreamId, StreamRange, Tag,
    Tags, Timestamp, Version,
};
pub use payload::PayloadCodec;
pub use projection::{ApplyContext, ApplyError, Effect, Projection};
pub use query::{Query, QueryError, QueryHandler, QueryResult};
pub use recorded::Recorded;
pub use repository::{ExecuteError, Executed, Loaded, Repository, SnapshotPolicy};
