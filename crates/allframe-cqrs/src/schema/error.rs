use std::{error::Error as StdError, fmt, sync::Arc};

use eventstore_api::{StoreError, StreamId, Version, message_with_causes};
use serde::Serialize;

use super::SchemaProblem;
use crate::VersioningError;

/// Why a store was not made with schemas, or the registry of them did not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// What the store answered.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Schemas do not fit what was stored, or what others read.
    #[error(transparent)]
    Incompatible(IncompatibleSchemas),
    /// Not all that may be stored can be read.
    #[error(transparent)]
    Versioning(#[from] VersioningError),
    /// A payload does not fit the schema of its name and version.
    #[error(transparent)]
    InvalidPayload(InvalidPayload),
    /// No schema of this name and version is registered.
    #[error("no schema of `{event_type}` version {schema_version} is registered")]
    NotRegistered {
        /// The stored name.
        event_type: String,
        /// The version.
        schema_version: u32,
    },
    /// What was registered cannot be read. Somebody else has written there, or a newer program in a form of its own.
    #[error(
        "event {version} of stream `{stream}` is no registered schema; a newer program may be able to read it"
    )]
    Unreadable {
        /// The stream of a stored name.
        stream: StreamId,
        /// The place in it.
        version: Version,
        /// Why not.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// A schema is none that payloads can be checked against.
    #[error("the schema of `{event_type}` version {schema_version} is no JSON schema to check payloads with")]
    NoSchema {
        /// The stored name.
        event_type: String,
        /// The version.
        schema_version: u32,
        /// Why not.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// A schema cannot be put into the form in which it is kept.
    #[error("a schema cannot be kept as JSON")]
    Form(#[source] Arc<dyn StdError + Send + Sync>),
}

impl From<SchemaError> for String {
    fn from(error: SchemaError) -> Self {
        message_with_causes(&error)
    }
}

/// All that does not fit between schemas.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IncompatibleSchemas {
    /// What does not fit.
    pub problems: Vec<SchemaProblem>,
}

impl fmt::Display for IncompatibleSchemas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("schemas of events do not fit together")?;
        for problem in &self.problems {
            write!(f, "\n- {problem}")?;
        }
        Ok(())
    }
}

impl StdError for IncompatibleSchemas {}

/// A payload that does not fit the schema of its name and version.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidPayload {
    /// The name under which it is to be stored.
    pub event_type: String,
    /// The version of its schema.
    pub schema_version: u32,
    /// Every field that fails, at least one.
    pub fields: Vec<InvalidField>,
}

/// A field that does not fit its schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct InvalidField {
    /// Its JSON pointer in the payload; empty for the payload itself.
    pub path: String,
    /// Why it does not fit.
    pub message: String,
}

impl fmt::Display for InvalidPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event_type, schema_version, fields } = self;
        write!(f, "a payload of `{event_type}` version {schema_version} does not fit its schema")?;
        for field in fields {
            write!(f, "\n- {field}")?;
        }
        Ok(())
    }
}

impl fmt::Display for InvalidField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.message),
            path => write!(f, "`{path}`: {}", self.message),
        }
    }
}

impl StdError for InvalidPayload {}
