use std::num::NonZeroU64;

use eventstore_api::Result;

use crate::{
    SchemaName,
    columns::signed,
    error::{of_read, of_write},
    lent::Lent,
    requests,
};

/// That the log is kept in partitions by position, each a table of its own, which are made as they are needed.
///
/// One table holds hundreds of millions of events; partitions are for those who want to take old events out of the log one
/// day ([`PostgresBackend::retire`](crate::PostgresBackend::retire)), or to keep old and new ones in different places. An
/// append looks at every partition for the end of its streams, so that tens of partitions are many, and a thousand too many. And
/// whoever holds a transaction open in which events were read keeps the next partition from being made.
///
/// A store that is opened with it is kept in partitions from then on, whoever opens it and however. What it holds by then
/// becomes the first partition, which takes as long as to build two indexes over it, and keeps everybody else waiting; where
/// somebody else still reads after 5 s, opening gives up and says so. It cannot be undone. Another number counts for the partitions that are still to be made. It takes the owner of the tables.
///
/// ```
/// use std::num::NonZeroU64;
/// use eventstore_postgres::{Partitioning, PostgresConfig};
///
/// let events = NonZeroU64::new(50_000_000).unwrap();
/// let config = PostgresConfig { partitioning: Some(Partitioning::by_events(events)), ..PostgresConfig::default() };
/// # assert_eq!(config.partitioning.unwrap().events_per_partition, events);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Partitioning {
    /// How many events a partition holds.
    pub events_per_partition: NonZeroU64,
}

impl Partitioning {
    /// Partitions of so many events.
    #[must_use]
    pub fn by_events(events_per_partition: NonZeroU64) -> Self {
        Self { events_per_partition }
    }

    /// Has a store kept so, where it is not yet.
    pub(crate) async fn apply(self, connection: &mut Lent, schema: &SchemaName) -> Result<()> {
        // More than there will ever be, and far from where positions end.
        let wanted = signed(self.events_per_partition.get().min(1 << 50));
        let select = format!("SELECT events_per_partition FROM {schema}.partitioning");
        let found = requests::rows_once(connection, &select, &[]).await.map_err(of_read)?;
        if found.first().is_some_and(|row| row.try_get(0).is_ok_and(|found: i64| found == wanted)) {
            return Ok(());
        }
        let transaction = connection.transaction().await.map_err(of_write)?;
        let limits = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '5s'";
        requests::script(transaction.client(), limits).await.map_err(of_write)?;
        let apply = format!("SELECT {schema}.partition_event_log($1)");
        requests::rows_once(transaction.client(), &apply, &[&wanted]).await.map_err(of_write)?;
        transaction.commit().await.map_err(of_write)
    }
}
