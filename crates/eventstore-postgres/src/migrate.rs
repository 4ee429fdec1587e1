//! The tables of a store, in versions that follow one another.

use deadpool_postgres::Object;
use eventstore_api::{Result, StoreError};

use crate::{
    PostgresError, SchemaName,
    error::{of_read, of_write},
};

/// One step from a version to the next; the files are there to be read, and to be run by hand.
struct Migration {
    version: u32,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, sql: include_str!("../migrations/0001_event_store.sql") },
    Migration { version: 5, sql: include_str!("../migrations/0005_roles.sql") },
];

/// The version that this program is written for.
pub(crate) fn newest() -> u32 {
    MIGRATIONS.last().map_or(0, |last| last.version)
}

/// Brings a schema up to date. Of several programs that do so at once, one does, and the others find it done. Either all of
/// it is done or nothing.
pub(crate) async fn run(connection: &mut Object, schema: &SchemaName) -> Result<()> {
    // Mostly there is nothing to do, and a role that only appends may do no more than look.
    if version(connection, schema).await? == newest() {
        return Ok(());
    }
    let failed = |error| match of_write(error) {
        // What was not done now is done at the next try.
        StoreError::OutcomeUnknown { source } => StoreError::Unavailable { source },
        other => other,
    };
    let transaction = connection.transaction().await.map_err(failed)?;
    // One at a time in this database, whatever the schema: they are rare. The timeout is for statements of every day.
    transaction
        .batch_execute("SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock(1163282772, 0)")
        .await
        .map_err(failed)?;
    let found = version(&transaction, schema).await?;
    if found == 0 {
        transaction.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {schema}")).await.map_err(failed)?;
    }
    // What is not named is looked at first: a table that a writer makes for himself, called `event_log`, would be taken for
    // the store's by functions that work with the rights of its owner. So it is named, as the last.
    transaction.batch_execute(&format!("SET LOCAL search_path = {schema}, pg_temp")).await.map_err(failed)?;
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > found) {
        transaction.batch_execute(migration.sql).await.map_err(failed)?;
        tracing::info!(%schema, version = migration.version, "brought the tables up to date");
    }
    transaction.commit().await.map_err(failed)
}

/// That there is a store, and of the version that this program is written for.
pub(crate) async fn check(connection: &Object, schema: &SchemaName) -> Result<()> {
    let (found, needed) = (version(connection, schema).await?, newest());
    match found == needed {
        true => Ok(()),
        false => Err(PostgresError::NotMigrated { schema: schema.clone(), found, needed }.into()),
    }
}

/// The version that a schema is at; 0 where there is no store in it.
async fn version(connection: &impl deadpool_postgres::GenericClient, schema: &SchemaName) -> Result<u32> {
    let table = format!("{schema}.schema_migrations");
    let row = connection.query_one("SELECT to_regclass($1) IS NOT NULL", &[&table]).await.map_err(of_read)?;
    if !row.try_get::<_, bool>(0).map_err(of_read)? {
        return Ok(0);
    }
    let select = format!("SELECT coalesce(max(version), 0) FROM {table}");
    let row = connection.query_one(&select, &[]).await.map_err(of_read)?;
    let found = u32::try_from(row.try_get::<_, i32>(0).map_err(of_read)?).unwrap_or(0);
    let known = newest();
    if found > known {
        return Err(PostgresError::TooNew { schema: schema.clone(), found, known }.into());
    }
    Ok(found)
}
