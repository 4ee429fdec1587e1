//! From what went wrong on a connection to what it means for the call.

use std::time::Duration;

use deadpool_postgres::PoolError;
use eventstore_api::StoreError;
use tokio_postgres::error::{DbError, Severity, SqlState};

use super::PostgresError;
use crate::tls;

/// Why a call on a connection came to nothing.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server said so, or the connection broke.
    Said(tokio_postgres::Error),
    /// Nothing was heard for so long.
    Silent {
        /// How long was waited.
        waited: Duration,
    },
}

impl Failure {
    pub(crate) fn as_db_error(&self) -> Option<&DbError> {
        match self {
            Self::Said(error) => error.as_db_error(),
            Self::Silent { .. } => None,
        }
    }

    pub(crate) fn code(&self) -> Option<&SqlState> {
        self.as_db_error().map(DbError::code)
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Said(error)
    }
}

/// Nothing was asked of the server, since there is no connection.
pub(crate) fn no_connection(error: PoolError) -> StoreError {
    match error {
        PoolError::Backend(source) if tls::is_untrusted(&source) => {
            PostgresError::Untrusted { source }.into()
        }
        PoolError::Backend(source) if tls::is_not_offered(&source) => {
            PostgresError::NotEncrypted { source }.into()
        }
        PoolError::Backend(source) => match is_for_good(&source) {
            true => PostgresError::Connect { source }.into(),
            false => PostgresError::Connect { source }.unavailable(),
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
pub(crate) fn of_read(failure: impl Into<Failure>) -> StoreError {
    read_failed(failure.into())
}

/// Apart, so that it is compiled once and not for each kind of failure.
fn read_failed(failure: Failure) -> StoreError {
    let source = match failure {
        Failure::Said(source) => source,
        Failure::Silent { waited } => return PostgresError::NoAnswer { waited }.unavailable(),
    };
    match source.code() {
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            PostgresError::NotAllowed { source }.into()
        }
        Some(code) if is_of_the_store(code) => PostgresError::Server { source }.into(),
        // What the server could not do now, and connections that broke.
        _ => PostgresError::Server { source }.unavailable(),
    }
}

/// What became of a statement that was to change something, and commits by itself.
pub(crate) fn of_write(failure: impl Into<Failure>) -> StoreError {
    write_failed(failure.into())
}

/// Apart, as `read_failed`.
fn write_failed(failure: Failure) -> StoreError {
    let source = match failure {
        Failure::Said(source) => source,
        // It may be at work on it still.
        Failure::Silent { waited } => return StoreError::outcome_unknown(PostgresError::NoAnswer { waited }),
    };
    // The server goes down over it, whatever it is about: what it was about to commit may be in its log.
    if ends_the_session(&source) {
        return StoreError::outcome_unknown(PostgresError::Server { source });
    }
    match source.code() {
        Some(code) if *code == SqlState::READ_ONLY_SQL_TRANSACTION => {
            PostgresError::ReadOnlyServer { source }.unavailable()
        }
        Some(code) if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            PostgresError::NotAllowed { source }.into()
        }
        Some(code) if has_gone_away(code) => StoreError::outcome_unknown(PostgresError::Server { source }),
        Some(code) if is_of_the_store(code) => PostgresError::Server { source }.into(),
        Some(_) => PostgresError::Server { source }.unavailable(),
        None => StoreError::outcome_unknown(PostgresError::Server { source }),
    }
}

fn ends_the_session(error: &tokio_postgres::Error) -> bool {
    let severity = error.as_db_error().and_then(DbError::parsed_severity);
    matches!(severity, Some(Severity::Fatal | Severity::Panic))
}

/// The session has ended, perhaps while the commit waited for a replica: what was committed stays so.
fn has_gone_away(code: &SqlState) -> bool {
    code.code().starts_with("08")
        || [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW].contains(code)
}

/// The statement or what it is about is wrong, and stays so: it makes no sense to the server, is not allowed, what is
/// stored is damaged or in the way, or the caller's transaction is of an isolation level in which nobody appends. Everything
/// else may pass: resources that are short, locks, time limits, an operator.
fn is_of_the_store(code: &SqlState) -> bool {
    [
        "0A", "22", "23", "25001", "26", "28", "2BP01", "2F", "3D", "3F", "42", "44", "54", "58", "XX", "F0",
        "P0",
    ]
    .iter()
    .any(|class| code.code().starts_with(class))
}

/// Whether the server gave up in favour of another transaction, and the same may succeed at once.
pub(crate) fn lost_a_race(failure: &Failure) -> bool {
    failure.code().is_some_and(|code| {
        [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code)
    })
}
