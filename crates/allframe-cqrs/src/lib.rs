// On docs.rs, what a feature brings is marked with its name.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

mod aggregate;
mod as_of;
mod backends;
mod backoff;
mod clock;
mod command;
mod command_bus;
pub mod compat;
pub mod consumer_group;
pub mod copy;
mod dispatch_context;
mod draft;
mod error;
mod error_or_text;
mod event;
mod event_store;
mod file_name;
mod injection;
#[cfg(any(feature = "json-commands", feature = "schema"))]
mod json_pointer;
#[cfg(doctest)]
mod macro_pages;
pub mod middleware;
mod observed;
mod one_at_a_time;
mod panicked;
mod payload;
#[cfg(feature = "postgres")]
mod postgres_read_model;
pub mod process;
#[cfg(doctest)]
mod project_readme;
mod projection;
mod query;
mod query_bus;
mod recorded;
mod registry;
mod replay;
mod repository;
pub mod saga;
#[cfg(feature = "schema")]
pub mod schema;
mod stream_state;
mod stream_view;
pub mod table;
mod telemetry;
mod updates;
pub mod versioning;

pub use aggregate::{Aggregate, Snapshot};
#[cfg(feature = "macros")]
pub use allframe_cqrs_macros::{
    Row, command, command_handler, event, handlers, process_manager, projection, query, query_handler, saga,
    saga_step,
};
pub use as_of::AsOf;
pub use async_trait::async_trait;
pub use backends::*;
pub use backoff::Backoff;
pub use clock::{Clock, ManualClock, SystemClock};
pub use command::{
    Addressed, Command, CommandError, CommandHandler, CommandResult, Fingerprint, Invertible, JsonForm,
    Rejection, ValidationError,
};
#[doc(hidden)]
pub use command::{
    DecidedAgain, Fingerprinted, InverseOf, InverseVisitor, OfAny, OfAnyCommand, OfInvertible, OfSerialize,
    ReadFromJson,
};
#[cfg(feature = "validation")]
#[doc(hidden)]
pub use command::{check_with_garde, rule_fits};
pub use command_bus::{
    CommandBus, CommandBusBuilder, DecidedEvents, Decision, Dispatched, Execution, IntoDecision, KeyRetention,
};
#[cfg(feature = "macros")]
#[doc(hidden)]
pub use command_bus::{CommandDiscovery, DiscoveredCommandHandler};
#[doc(hidden)]
pub use command_bus::{NothingToStore, StoredBy};
#[cfg(feature = "postgres")]
pub use deadpool_postgres;
pub use dispatch_context::DispatchContext;
pub use draft::Draft;
pub use error::{DecodeError, DecodeReason, Error, Result};
pub use error_or_text::ErrorOrText;
#[doc(hidden)]
pub use event::EventBounds;
pub use event::{Event, EventTypeName, EventVariant};
pub use event_store::{Batch, CatchUp, EventStore, EventStream, Matching, StateAt};
pub use eventstore_api as api;
pub use eventstore_api::{
    Appended, BackendStats, Criterion, EventFilter, EventId, EventStoreBackend, ExpectedVersion,
    GlobalPosition, IntoStreamId, InvalidInput, Metadata, ReadAll, StoreError, StreamId, StreamRange, Tag,
    Tags, Timestamp, Version,
};
pub use injection::{BuildError, BuildProblem};
#[doc(hidden)]
pub use injection::{Given, Injected, Resolver};
#[cfg(feature = "macros")]
#[doc(hidden)]
pub use inventory;
pub use observed::ObservedBackend;
pub use panicked::Panicked;
pub use payload::PayloadCodec;
#[cfg(feature = "postgres")]
pub use postgres_read_model::{PostgresProjection, PostgresReadModel};
pub use projection::{ApplyContext, ApplyError, Effect, Projection};
pub use query::{Query, QueryError, QueryHandler, QueryResult};
#[cfg(feature = "macros")]
#[doc(hidden)]
pub use query_bus::{DiscoveredQueryHandler, QueryDiscovery};
pub use query_bus::{QueryBus, QueryBusBuilder};
pub use recorded::Recorded;
#[cfg(feature = "macros")]
#[doc(hidden)]
pub use registry::DiscoveredProjection;
pub use registry::{
    CheckpointPolicy, Consistency, FaultCause, FaultPolicy, MergeProjection, NamedProjection, OnFault,
    OutsideBatch, OutsideError, OutsideProjection, OutsideRegistration, ParkedEvent, ProjectionError,
    ProjectionFault, ProjectionHandle, ProjectionMetadata, ProjectionPosition, ProjectionRegistry,
    ProjectionState, ProjectionStatus, Rebuild, RebuildProgress, RebuildState, Registration,
    StoredProjection, StoredProjections, View,
};
pub use replay::{
    InvalidSpeed, Replay, ReplayControl, ReplayEnd, ReplayError, ReplayPlan, ReplayProgress, ReplaySpeed,
    ReplayState, Replayed,
};
pub use repository::{ExecuteError, Executed, Loaded, Repository, SnapshotPolicy};
#[cfg(any(feature = "json-commands", feature = "schema"))]
pub use schemars;
#[cfg(feature = "macros")]
#[doc(hidden)]
pub use serde;
pub use stream_state::CacheStats;
pub use stream_view::{StreamView, StreamViews};
pub use table::{Row, Table, UniqueViolation};
#[cfg(feature = "postgres")]
pub use tokio_postgres;
pub use versioning::{
    AutoUpcaster, EarlierPayload, EventForm, IntoUpcast, IntoUpcastJson, MigrationPath, UnknownEvent,
    UnknownEvents, UpcastContext, UpcastError, Upcaster, VersionRegistry, VersionedEvent, VersioningError,
    VersioningProblem,
};
#[doc(hidden)]
pub use versioning::{EarlierValue, HasDefault, HoldsUnknown};
