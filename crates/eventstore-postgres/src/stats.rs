use deadpool_postgres::Status;
use eventstore_api::{Result, SpecificStats};
use tokio_postgres::Row;

use crate::columns::number;

/// What a store on PostgreSQL says of itself, in [`BackendStats::specific`](eventstore_api::BackendStats::specific).
///
/// ```no_run
/// use eventstore_api::EventStoreBackend;
/// use eventstore_postgres::{PostgresBackend, PostgresStats};
///
/// # async fn show(store: &PostgresBackend) -> eventstore_api::Result<()> {
/// if let Some(postgres) = store.stats().await?.specific::<PostgresStats>() {
///     println!("{} MB of events, {} of {} connections", postgres.event_bytes >> 20, postgres.connections, postgres.max_connections);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostgresStats {
    /// What the events take on the server's disk, with their tags, the names of their streams, and all indexes, in bytes.
    pub event_bytes: u64,
    /// Partitions of the log; zero where it is one table.
    pub partitions: u64,
    /// Events that were moved out of the log, which are not among all events.
    pub retired_events: u64,
    /// Connections of this process.
    pub connections: u64,
    /// Those of them that nobody uses.
    pub idle_connections: u64,
    /// How many there may be.
    pub max_connections: u64,
    /// Calls of this process that wait for a connection.
    pub waiting_calls: u64,
}

impl PostgresStats {
    /// From the columns of a row that begin with this one.
    pub(crate) fn of(row: &Row, column: usize, pool: Status) -> Result<Self> {
        Ok(Self {
            event_bytes: number(row, column)?,
            partitions: number(row, column + 1)?,
            retired_events: number(row, column + 2)?,
            connections: pool.size as u64,
            idle_connections: pool.available as u64,
            max_connections: pool.max_size as u64,
            waiting_calls: pool.waiting as u64,
        })
    }
}

impl SpecificStats for PostgresStats {
    fn backend_type(&self) -> &'static str {
        "postgres"
    }

    fn numbers(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("event_bytes", self.event_bytes),
            ("partitions", self.partitions),
            ("retired_events", self.retired_events),
            ("connections", self.connections),
            ("idle_connections", self.idle_connections),
            ("max_connections", self.max_connections),
            ("waiting_calls", self.waiting_calls),
        ]
    }
}
