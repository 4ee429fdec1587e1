use std::time::Duration;

use deadpool_postgres::{PoolError, TimeoutType};
use eventstore_api::StoreError;
use tokio_postgres::error::SqlState;

use crate::SchemaName;

/// What went wrong between this program and the server: the source of most [`StoreError`]s of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresError {
    /// The URL cannot be read.
    #[error("the connection URL cannot be read")]
    Url {
        /// What is wrong with it.
        source: tokio_postgres::Error,
    },
    /// The name of a schema holds something else than the letters a to z, digits and `_`.
    #[error(
        "`{name}` is no name of a schema here: a letter from a to z or `_`, then up to 62 of these or digits, and not `pg_`"
    )]
    SchemaName {
        /// The name.
        name: String,
    },
    /// No connection came free in time.
    #[error(
        "no connection came free within {waited:?}, all {size} are in use; make the pool larger, or ask for less at once"
    )]
    PoolExhausted {
        /// How long was waited.
        waited: Duration,
        /// How many connections the pool has.
        size: usize,
    },
    /// No connection could be made.
    #[error("cannot connect to the server")]
    Connect {
        /// Why not; `None` when it took too long.
        source: Option<tokio_postgres::Error>,
    },
    /// The server is older than what this crate is written for.
    #[error("the server is of version {found}, and {least} is the least")]
    ServerTooOld {
        /// Its version.
        found: String,
        /// The oldest that will do.
        least: u32,
    },
    /// The database keeps text in another encoding.
    #[error("the database keeps text as {encoding}, and events take UTF8; create it with `ENCODING 'UTF8'`")]
    Encoding {
        /// What it says of itself.
        encoding: String,
    },
    /// There is no store in the schema, or an older one.
    #[error(
        "schema `{schema}` is at version {found} of {needed}; call `migrate` with a role that may, or run the files in `migrations`"
    )]
    NotMigrated {
        /// Which schema.
        schema: SchemaName,
        /// What is there; 0 for nothing.
        found: u32,
        /// What this program is written for.
        needed: u32,
    },
    /// The store was made by a newer program.
    #[error(
        "schema `{schema}` is at version {found}, and this program knows versions up to {known}; use a newer one"
    )]
    TooNew {
        /// Which schema.
        schema: SchemaName,
        /// What is there.
        found: u32,
        /// What this program is written for.
        known: u32,
    },
    /// The server takes no changes: it is a replica, or was set so.
    #[error("the server takes no changes; connect to the one that does (`target_session_attrs=read-write`)")]
    ReadOnlyServer {
        /// What it said.
        source: tokio_postgres::Error,
    },
    /// An event of this id was stored in this stream, and has been taken out of the log since: whether it is the same event
    /// cannot be told any more.
    #[error(
        "an event of this id was stored at position {position}, and has been moved out of the log; nothing was stored"
    )]
    Retired {
        /// Where it stood.
        position: u64,
    },
    /// The server refused a statement, or the connection to it broke.
    #[error("the server has not done what it was asked for")]
    Server {
        /// What it said, or what happened to the connection.
        source: tokio_postgres::Error,
    },
}

impl PostgresError {
    /// The code by which PostgreSQL names what went wrong, where the server said something.
    #[must_use]
    pub fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Url { source } | Self::ReadOnlyServer { source } | Self::Server { source } => source.code(),
            Self::Connect { source } => source.as_ref().and_then(tokio_postgres::Error::code),
            _ => None,
        }
    }
}

/// What never changes by trying again.
impl From<PostgresError> for StoreError {
    fn from(error: PostgresError) -> Self {
        Self::storage(error)
    }
}

/// Nothing was asked of the server, since there is no connection.
pub(crate) fn no_connection(error: PoolError, size: usize, waited: Duration) -> StoreError {
    match error {
        PoolError::Timeout(TimeoutType::Wait) => {
            StoreError::unavailable(PostgresError::PoolExhausted { waited, size })
        }
        PoolError::Timeout(_) => StoreError::unavailable(PostgresError::Connect { source: None }),
        PoolError::Backend(source) => match is_for_good(&source) {
            true => StoreError::storage(PostgresError::Connect { source: Some(source) }),
            false => StoreError::unavailable(PostgresError::Connect { source: Some(source) }),
        },
        PoolError::Closed => StoreError::Closed,
        other => StoreError::storage(other),
    }
}

/// A wrong password, a database or a role that is not there.
fn is_for_good(error: &tokio_postgres::Error) -> bool {
    error
        .code()
        .is_some_and(|code| ["28", "3D", "3F", "42"].iter().any(|class| code.code().starts_with(class)))
}

/// What became of a statement that changes nothing.
pub(crate) fn of_read(source: tokio_postgres::Error) -> StoreError {
    match source.code() {
        Some(code) if is_of_the_store(code) => StoreError::storage(PostgresError::Server { source }),
        // What the server could not do now, and connections that broke.
        _ => StoreError::unavailable(PostgresError::Server { source }),
    }
}

/// What became of a statement that was to change something, and commits by itself.
pub(crate) fn of_write(source: tokio_postgres::Error) -> StoreError {
    match source.code() {
        Some(code) if *code == SqlState::READ_ONLY_SQL_TRANSACTION => {
            StoreError::unavailable(PostgresError::ReadOnlyServer { source })
        }
        Some(code) if has_gone_away(code) => StoreError::outcome_unknown(PostgresError::Server { source }),
        Some(code) if is_of_the_store(code) => StoreError::storage(PostgresError::Server { source }),
        Some(_) => StoreError::unavailable(PostgresError::Server { source }),
        None => StoreError::outcome_unknown(PostgresError::Server { source }),
    }
}

/// The session has ended, perhaps while the commit waited for a replica: what was committed stays so.
fn has_gone_away(code: &SqlState) -> bool {
    code.code().starts_with("08")
        || [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW].contains(code)
}

/// The statement or what it is about is wrong, and stays so: it makes no sense to the server, is not allowed, or what is
/// stored is damaged. Everything else may pass: resources that are short, locks, time limits, an operator.
fn is_of_the_store(code: &SqlState) -> bool {
    ["0A", "22", "23", "26", "28", "2F", "3D", "3F", "42", "44", "54", "58", "XX", "F0", "P0"]
        .iter()
        .any(|class| code.code().starts_with(class))
}

/// Whether the server gave up in favour of another transaction, and the same may succeed at once.
pub(crate) fn lost_a_race(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code)
    })
}
