//! What can go wrong with a server, as its users see it.

mod failure;

pub(crate) use failure::{Failure, lost_a_race, no_connection, of_read, of_write};

use std::{error::Error, path::PathBuf, time::Duration};

use eventstore_api::{GlobalPosition, StoreError};
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
        "`{name}` is no name of a schema here: a letter from a to z or `_`, then up to 62 of these or digits, not `pg_`, and no word that SQL keeps for itself"
    )]
    SchemaName {
        /// The name.
        name: String,
    },
    /// Other appends were on their way for so long that this one was never sent.
    #[error("appends before this one took longer than {waited:?}, and it was not sent; ask for less at once")]
    QueueTimeout {
        /// How long was waited.
        waited: Duration,
    },
    /// Transactions of this connection are of another isolation level than the one in which events are appended.
    #[error(
        "transactions here are `{level}` unless they say otherwise, in which nobody sees what others append; set \
        `default_transaction_isolation` to `read committed` for these connections"
    )]
    Isolation {
        /// What the server says of them.
        level: String,
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
    /// No connection could be made: the server is not there, or does not let us in.
    #[error("cannot connect to the server")]
    Connect {
        /// Why not.
        source: tokio_postgres::Error,
    },
    /// No connection could be made in time.
    #[error("the server has not let us in within {waited:?}; see whether it runs and can be reached")]
    ConnectTimeout {
        /// How long was waited.
        waited: Duration,
    },
    /// Encryption was asked for, and this program cannot.
    #[error(
        "a connection with TLS was asked for, and this program was built without it; enable the feature `tls` of \
         `eventstore-postgres`"
    )]
    TlsFeature,
    /// Certificates or a key for TLS cannot be used.
    #[error("{what} cannot be used for TLS{}", at(path.as_ref()))]
    TlsFile {
        /// What they are for.
        what: &'static str,
        /// The file; `None` for what the system keeps.
        path: Option<PathBuf>,
        /// What is wrong with it.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The server has not shown who it is: its certificate is of somebody else, or of another name.
    #[error(
        "the server's certificate is not trusted; set `Tls::roots` to the certificate that signed it, and connect by a name \
         that it is for"
    )]
    Untrusted {
        /// What is wrong with it.
        source: tokio_postgres::Error,
    },
    /// The URL asks for an encrypted connection, and the server takes none there.
    #[error(
        "`sslmode=require` asks for an encrypted connection, and the server takes none there; turn its TLS on, or, where this is \
         a unix socket, leave `sslmode` out"
    )]
    NotEncrypted {
        /// What the client says.
        source: tokio_postgres::Error,
    },
    /// The server said nothing for too long. Its connection was given up.
    #[error("the server has not answered within {waited:?}, and the connection to it was given up")]
    NoAnswer {
        /// How long was waited.
        waited: Duration,
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
        "schema `{schema}` is at version {found} of {needed}; let a program bring its tables up to date with a role that may (in \
         Rust, `eventstore_postgres::migrate`), or run the files in `migrations`"
    )]
    NotMigrated {
        /// Which schema.
        schema: SchemaName,
        /// What is there; 0 for nothing.
        found: u32,
        /// What this program is written for.
        needed: u32,
    },
    /// The store is being filled, or that was cut off: indexes are left out, without which it is slow.
    #[error(
        "schema `{schema}` is being filled with the events of another store, or that was cut off: two of its indexes are left out; \
         open it once with a role that may make them (in Rust, `eventstore_postgres::migrate`), or wait"
    )]
    BulkLoad {
        /// Which schema.
        schema: SchemaName,
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
    /// The role that is connected as may not do this.
    #[error(
        "the role may not do this; let the owner of the store grant it (`grant_reading`, `grant_writing`), or migrate as a role \
         that may"
    )]
    NotAllowed {
        /// What the server said.
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
    /// Something on the table `event_log`, as a trigger, keeps rows out. Nothing was stored.
    #[error(
        "of {events} events the server would have stored {stored}: something on `event_log` keeps rows out"
    )]
    RowsKeptOut {
        /// How many events were to be stored.
        events: u64,
        /// How many the server took.
        stored: u64,
    },
    /// Something on the table `stream_names`, as a trigger, keeps rows out. Nothing was stored.
    #[error("the server has not numbered a stream that is new: something on `stream_names` keeps rows out")]
    StreamsKeptOut,
    /// The role may append, and not write into the tables itself, which it takes to store events as another store had them.
    #[error("the role may not restore events; let the owner of the store do it, whom the tables belong to")]
    MayNotCopy,
    /// An event that is to be restored was recorded before the first moment that the server knows. Nothing was stored.
    #[error(
        "the event at position {position} was recorded {micros} microseconds before 1970, and PostgreSQL has no time before \
         4713 BC; another store can hold it"
    )]
    TooEarly {
        /// Of the event.
        position: GlobalPosition,
        /// How long before 1970 it was recorded.
        micros: u64,
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
            Self::Connect { source }
            | Self::ReadOnlyServer { source }
            | Self::NotAllowed { source }
            | Self::Server { source } => source.code(),
            _ => None,
        }
    }

    /// What may be otherwise the next time, and has done nothing.
    // Not inlined, and the same below: how an error is shown would come along to wherever one is made.
    #[inline(never)]
    pub(crate) fn unavailable(self) -> StoreError {
        StoreError::unavailable(self)
    }
}

/// What never changes by trying again.
impl From<PostgresError> for StoreError {
    #[inline(never)]
    fn from(error: PostgresError) -> Self {
        Self::storage(error)
    }
}

fn at(path: Option<&PathBuf>) -> String {
    path.map(|path| format!(": {}", path.display())).unwrap_or_default()
}
