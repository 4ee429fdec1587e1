//! The tables of a store, in versions that follow one another.

use std::time::Duration;

use eventstore_api::{Result, StoreError};
use futures_util::future::BoxFuture;
use tokio_postgres::Client;

use crate::{
    PostgresConfig, PostgresError, SchemaName,
    connection::{Connections, check_server},
    error::{of_read, of_write},
    indexes,
    lent::{Lent, in_time},
    requests,
    settings::Settings,
};

/// What [`migrate`] found, and what it left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Migrated {
    /// The version of the tables before; 0 where there was no store.
    pub from: u32,
    /// The version of the tables now.
    pub to: u32,
}

/// Brings the tables of a store up to date, and makes them where there are none: what opening it does by default, apart, for
/// a role that may change tables where the application's own may not.
///
/// Indexes that a [bulk load](PostgresConfig::bulk_load) has left out are made. Then all of the rest is done or nothing. Several that do it at once take turns, and all but the first find it done. Nothing that is
/// stored is lost by it. Whoever waits for another who does it waits for as long as that takes. The statements are in the folder `migrations` of this crate, and can be run by hand.
///
/// ```no_run
/// use eventstore_postgres::{Migrations, PostgresBackend, PostgresConfig, migrate};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> eventstore_api::Result<()> {
/// let config = PostgresConfig { migrations: Migrations::Check, ..PostgresConfig::default() };
/// migrate("postgresql://owner@localhost/app", &config).await?;
/// let store = PostgresBackend::with_config("postgresql://app@localhost/app", config).await?;
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// As [`PostgresBackend::with_config`](crate::PostgresBackend::with_config).
///
/// # Cancellation
///
/// Dropped before it is done, it has changed nothing, or everything; or made the indexes that were left out, and nothing else.
pub async fn migrate(url: &str, config: &PostgresConfig) -> Result<Migrated> {
    let settings = Settings::of_primary(url, config)?;
    let connections = Connections::to(&settings, config)?;
    let mut connection = connections.get().await?;
    check_server(&connection).await?;
    let migrated = run(&mut connection, config).await;
    connections.close();
    migrated
}

/// One step from a version to the next; the files are there to be read, and to be run by hand.
struct Migration {
    version: u32,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, sql: include_str!("../migrations/0001_tables.sql") },
    Migration { version: 2, sql: include_str!("../migrations/0002_appending.sql") },
    Migration { version: 3, sql: include_str!("../migrations/0003_views.sql") },
    Migration { version: 4, sql: include_str!("../migrations/0004_partitions.sql") },
    Migration { version: 5, sql: include_str!("../migrations/0005_roles.sql") },
];

/// Keeps advisory locks of stores apart from those of others: `EVST`. The migrations say it too, in `take_turn`.
const LOCKS: u32 = u32::from_be_bytes(*b"EVST");

/// The version that this program is written for.
pub(crate) fn newest() -> u32 {
    MIGRATIONS.last().map_or(0, |last| last.version)
}

/// Brings a schema up to date, and has its log in partitions where that is wanted.
// Boxed and not inlined: see `requests`.
#[inline(never)]
pub(crate) fn run<'a>(
    connection: &'a mut Lent,
    config: &'a PostgresConfig,
) -> BoxFuture<'a, Result<Migrated>> {
    Box::pin(async move {
        // Mostly there is nothing to do, and a role that only appends may do no more than look.
        let found = look(connection, &config.schema, config.answer_timeout).await?;
        // First: what brings tables up to date may need them.
        if found.lacks_indexes {
            indexes::make(connection, &config.schema).await?;
        }
        if found.version < newest() {
            bring_up_to_date(connection, config).await.map_err(is_done_at_the_next_try)?;
        }
        if let Some(partitioning) = config.partitioning {
            partitioning.apply(connection, &config.schema).await.map_err(is_done_at_the_next_try)?;
        }
        Ok(Migrated { from: found.version, to: newest() })
    })
}

/// What may have been done or not will be found done, or is done then.
fn is_done_at_the_next_try(error: StoreError) -> StoreError {
    match error {
        StoreError::OutcomeUnknown { source } => StoreError::Unavailable { source },
        other => other,
    }
}

async fn bring_up_to_date(connection: &mut Lent, config: &PostgresConfig) -> Result<()> {
    let (schema, limit) = (&config.schema, config.answer_timeout);
    let transaction = in_time(limit, connection.transaction()).await.map_err(of_write)?;
    let client = transaction.client();
    // One at a time in this database, whatever the schema: they are rare. The timeout is for statements of every day.
    let turn = format!("SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock({LOCKS}, 0)");
    requests::script(client, &turn).await.map_err(of_write)?;
    let found = look(client, schema, limit).await?;
    // `IF NOT EXISTS` would ask for the right to create one also where there is one.
    const IS_THERE: &str = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)";
    let is_there = requests::row_once(client, IS_THERE, &[&schema.as_str()]).await.map_err(of_write)?;
    if !is_there.try_get::<_, bool>(0).map_err(of_write)? {
        requests::script(client, &format!("CREATE SCHEMA {schema}")).await.map_err(of_write)?;
    }
    // Functions keep it. What is not named is looked at first: a table that a writer makes for himself, called `event_log`, would
    // be taken for the store's by functions that work with the rights of its owner. So it is named, as the last.
    let search = format!("SET LOCAL search_path = {schema}, pg_temp");
    requests::script(client, &search).await.map_err(of_write)?;
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > found.version) {
        requests::script(client, migration.sql).await.map_err(of_write)?;
        tracing::info!(%schema, version = migration.version, "brought the tables up to date");
    }
    transaction.commit().await.map_err(of_write)
}

/// That there is a store, and of the version that this program is written for.
pub(crate) async fn check(connection: &Lent, config: &PostgresConfig) -> Result<()> {
    let schema = &config.schema;
    let found = look(connection, schema, config.answer_timeout).await?;
    let schema = schema.clone();
    if found.version < newest() {
        return Err(PostgresError::NotMigrated { schema, found: found.version, needed: newest() }.into());
    }
    if found.lacks_indexes {
        return Err(PostgresError::BulkLoad { schema }.into());
    }
    Ok(())
}

/// How a schema is.
#[derive(Clone, Copy)]
struct Found {
    /// The version of its tables; 0 where there is no store in it.
    version: u32,
    /// Whether a bulk load has left indexes out, and not come to its end.
    lacks_indexes: bool,
}

async fn look(client: &Client, schema: &SchemaName, limit: Duration) -> Result<Found> {
    // By a scan and not by `to_regclass`: what the server remembers of a name that was not there is older than what another
    // has done meanwhile, when this has waited for him in a transaction that had begun before.
    const IS_THERE: &str = "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE n.nspname = $1 AND c.relname = 'schema_migrations')";
    let row =
        in_time(limit, requests::row_once(client, IS_THERE, &[&schema.as_str()])).await.map_err(of_read)?;
    if !row.try_get::<_, bool>(0).map_err(of_read)? {
        return Ok(Found { version: 0, lacks_indexes: false });
    }
    let lacks_indexes = indexes::are_left_out(schema);
    let select = format!("SELECT coalesce(max(version), 0), {lacks_indexes} FROM {schema}.schema_migrations");
    let row = in_time(limit, requests::row_once(client, &select, &[])).await.map_err(of_read)?;
    let found = u32::try_from(row.try_get::<_, i32>(0).map_err(of_read)?).unwrap_or(0);
    let known = newest();
    if found > known {
        return Err(PostgresError::TooNew { schema: schema.clone(), found, known }.into());
    }
    Ok(Found { version: found, lacks_indexes: row.try_get(1).map_err(of_read)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_and_migrations_mean_the_same_locks() {
        let lock = format!("pg_advisory_xact_lock({LOCKS}, ");
        assert!(MIGRATIONS.iter().any(|migration| migration.sql.contains(&lock)), "{lock}");
    }

    #[test]
    fn migrations_follow_one_another_and_say_who_they_are() {
        for (expected, Migration { version, sql }) in (1..).zip(MIGRATIONS) {
            assert_eq!(*version, expected);
            let entry = format!("INSERT INTO schema_migrations (version, name) VALUES ({version}, ");
            assert!(sql.contains(&entry), "{entry}");
        }
    }
}
