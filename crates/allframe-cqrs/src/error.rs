use std::{error::Error as StdError, sync::Arc};

use eventstore_api::{
    AppendBatch, Encoding, EventType, GlobalPosition, InvalidInput, StoreError, StreamId, Version,
    message_with_causes,
};

use crate::{InvalidSpeed, VersioningError};

/// What the toolkit answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a typed event store did not do what was asked.
///
/// In a function whose errors are plain text, `?` turns it into its message with those of its causes.
///
/// ```
/// # use allframe_cqrs::{event, EventStore};
/// # #[event]
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// # struct Deposited { amount: u64 }
/// async fn deposit(store: &EventStore<Deposited>) -> Result<(), String> {
///     store.append("account-7", vec![Deposited { amount: 1 }]).await?;
///     Ok(())
/// }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(deposit(&EventStore::new())).unwrap();
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What the backend answered.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An event or a snapshot cannot be encoded so that it could be read again. Nothing was stored.
    #[error(
        "`{what}` cannot be kept as {encoding}; change the value or its serde attributes, or take another codec"
    )]
    Encode {
        /// The name of its type.
        what: &'static str,
        /// Into what it was to be encoded.
        encoding: Encoding,
        /// What stood in the way.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// A stored event cannot be read as the type that was asked for.
    #[error(transparent)]
    Decode(#[from] Box<DecodeError>),
    /// Other writers were faster, again and again. Nothing was stored.
    #[error("other writers were faster {attempts} times in a row; try again, or allow more attempts")]
    ConflictsExhausted {
        /// How often the decision was made.
        attempts: u32,
        /// The last conflict.
        source: StoreError,
    },
    /// It is not known whether an append happened, and appending the same again has not settled it. The batch holds the
    /// events with their ids: give it to the backend's `append_all` later, which stores nothing twice.
    #[error(
        "it is not known whether the append happened; give the batch to the backend again, which stores nothing twice"
    )]
    OutcomeUnknown {
        /// What was to be appended.
        batch: Box<AppendBatch>,
        /// What the backend answered first.
        source: StoreError,
    },
    /// Not all that may be stored can be read.
    #[error(transparent)]
    Versioning(#[from] VersioningError),
    /// A payload does not fit its schema, or schemas do not fit together. Nothing was stored.
    #[cfg(feature = "schema")]
    #[error(transparent)]
    Schema(Box<crate::schema::SchemaError>),
    /// A projection did not take an event in.
    #[error("a projection did not take in the event at position {position}")]
    Apply {
        /// The position of the event.
        position: GlobalPosition,
        /// Why not.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// A handler failed at an event.
    #[error("a handler failed at the event at position {position}")]
    Handle {
        /// The position of the event.
        position: GlobalPosition,
        /// Why.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// A replay cannot go at this speed.
    #[error(transparent)]
    InvalidSpeed(#[from] InvalidSpeed),
    /// A task was to be spawned outside a tokio runtime.
    #[error("this needs a tokio runtime; call it from a task, or from within `Runtime::block_on`")]
    NoRuntime,
}

impl Error {
    /// Whether an append lost against another writer: the stream has to be read again and the decision made anew.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::WrongExpectedVersion { .. } | StoreError::ConditionFailed { .. })
                | Self::ConflictsExhausted { .. }
        )
    }

    /// Whether the same call may succeed later without anything being decided anew.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_retryable())
    }

    /// Whether it is certain that a failed append stored nothing.
    #[must_use]
    pub fn outcome_is_known(&self) -> bool {
        match self {
            Self::OutcomeUnknown { .. } => false,
            Self::Store(error) => error.outcome_is_known(),
            _ => true,
        }
    }
}

impl From<InvalidInput> for Error {
    fn from(error: InvalidInput) -> Self {
        Self::Store(error.into())
    }
}

#[cfg(feature = "schema")]
impl From<crate::schema::SchemaError> for Error {
    fn from(error: crate::schema::SchemaError) -> Self {
        match error {
            crate::schema::SchemaError::Store(error) => Self::Store(error),
            error => Self::Schema(Box::new(error)),
        }
    }
}

#[cfg(feature = "schema")]
impl From<crate::schema::InvalidPayload> for Error {
    fn from(error: crate::schema::InvalidPayload) -> Self {
        crate::schema::SchemaError::InvalidPayload(error).into()
    }
}

impl From<Error> for String {
    fn from(error: Error) -> Self {
        message_with_causes(&error)
    }
}

/// Which stored event could not be read, as what, and why.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "event {version} of stream `{stream}` (position {position}), stored as `{event_type}` \
     schema version {schema_version} in {encoding}, cannot be read as `{expected}`"
)]
#[non_exhaustive]
pub struct DecodeError {
    /// The stream it belongs to.
    pub stream: StreamId,
    /// Its place in the stream.
    pub version: Version,
    /// Its place in the order of all events.
    pub position: GlobalPosition,
    /// The name of the type it is stored under.
    pub event_type: EventType,
    /// The schema version it is stored under.
    pub schema_version: u32,
    /// How its payload is encoded.
    pub encoding: Encoding,
    /// The Rust type that was asked for.
    pub expected: &'static str,
    /// Why not.
    #[source]
    pub reason: DecodeReason,
}

/// Why a stored event could not be read.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeReason {
    /// The type has no variant of that name.
    #[error(
        "events of this type are stored as {}; \
         if a name in the code has changed, say so with #[event(rename = \"..\")] or #[event(aliases(\"..\"))]",
        .known.join(", ")
    )]
    UnknownEventType {
        /// The names the type goes by.
        known: Vec<&'static str>,
    },
    /// A newer version of the program has written it.
    #[error("schema version {known} is the newest that this program knows; a newer one can read it")]
    NewerSchema {
        /// The newest version that the type knows.
        known: u32,
    },
    /// Not all that may be stored can be read.
    #[error("the versions of its type do not fit together")]
    Versioning(#[source] VersioningError),
    /// It is of an earlier version, which neither the type nor an upcaster reads.
    #[error("nothing reads this version, neither the type by itself nor an upcaster; versions begin with 1")]
    UnknownVersion,
    /// An upcaster did not take it.
    #[error("the upcaster from {from} did not take it")]
    Upcast {
        /// What it upcasts from.
        from: String,
        /// Why not.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// A field of an earlier version could not be converted.
    #[error("the earlier value of field `{field}` cannot be converted")]
    Unconverted {
        /// The field, as it is called today.
        field: &'static str,
        /// Why not.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// An upcaster takes JSON, and the event was stored as something else.
    #[error(
        "an upcaster takes it as JSON, and it is not stored as JSON; write one that takes its earlier type"
    )]
    NotJson,
    /// No codec for this encoding is compiled in.
    #[error(
        "no codec for this encoding is compiled in; bincode needs the feature `bincode` of allframe-cqrs"
    )]
    UnknownEncoding,
    /// The payload does not describe a value of the type.
    #[error("the payload does not fit the type")]
    Payload(#[source] Arc<dyn StdError + Send + Sync>),
}
