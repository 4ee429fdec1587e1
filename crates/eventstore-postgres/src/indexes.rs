//! The two indexes of a log that it can do without while it is filled: where an append ends a stream, and where types are. They take
//! most of the time. Positions and ids are unique without them, so that the order of all events can be read, and no event is stored
//! twice.

use std::time::Duration;

use eventstore_api::Result;
use tokio_postgres::{Client, error::SqlState};

use crate::{
    PostgresError, SchemaName,
    error::{Failure, of_read},
    lent::{Lent, in_time},
    requests,
};

/// A condition of SQL: that they are left out.
pub(crate) fn are_left_out(schema: &SchemaName) -> String {
    format!(
        "NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE n.nspname = '{schema}' AND c.relname = 'event_log_version')"
    )
}

/// Leaves them out, in a transaction that holds the turn to append; answers whether it has. It has not where the log is not empty or
/// is in partitions, where this role could not make them again, and where something hangs on them or somebody reads.
pub(crate) async fn leave_out(
    client: &Client,
    schema: &SchemaName,
    limit: Duration,
) -> Result<bool, Failure> {
    let may_be = format!(
        "SELECT pg_has_role(c.relowner, 'USAGE') AND has_schema_privilege(c.relnamespace, 'CREATE') AND c.relkind = 'r' AND c.relreplident <> 'i' \
            AND NOT EXISTS (SELECT FROM {schema}.event_log) \
        FROM pg_class c WHERE c.oid = '{schema}.event_log'::regclass"
    );
    let row = in_time(limit, requests::row_once(client, &may_be, &[])).await?;
    if !row.try_get::<_, bool>(0)? {
        return Ok(false);
    }
    let leave_out = format!(
        "SAVEPOINT with_indexes; SET LOCAL lock_timeout = '1s'; \
        DROP INDEX {schema}.event_log_version, {schema}.event_log_type; \
        SET LOCAL lock_timeout TO DEFAULT; RELEASE with_indexes"
    );
    match in_time(limit, requests::script(client, &leave_out)).await {
        Ok(()) => Ok(true),
        Err(failure) if failure.code().is_some() => {
            tracing::debug!(%schema, error = ?failure, "no index is left out");
            let go_on = "ROLLBACK TO with_indexes; RELEASE with_indexes";
            in_time(limit, requests::script(client, go_on)).await?;
            Ok(false)
        }
        Err(failure) => Err(failure),
    }
}

/// Makes them where they are left out: all of it or nothing, and nothing in a log that has them.
///
/// It takes the turn to append, for which it waits as any statement may, and holds it as long as they take to be built. Readers are in
/// nobody's way, and nobody is in theirs.
pub(crate) async fn make(connection: &mut Lent, schema: &SchemaName) -> Result<()> {
    let busy = connection.busy();
    let made = make_in_a_transaction(connection, schema).await;
    busy.end();
    made.map_err(|failure| {
        connection.failed(&failure);
        if failure.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) {
            return PostgresError::BulkLoad { schema: schema.clone() }.into();
        }
        // Whether the commit was made is seen by who asks again.
        of_read(failure)
    })
}

async fn make_in_a_transaction(connection: &mut Lent, schema: &SchemaName) -> Result<(), Failure> {
    let limit = connection.answers_within();
    let transaction = in_time(limit, connection.transaction()).await?;
    let client = transaction.client();
    let take_turn = format!("SELECT {schema}.take_turn()");
    in_time(limit, requests::script(client, &take_turn)).await?;
    // Whoever was before may have made them, or is the one who left them out.
    let are_left_out = format!("SELECT {}", are_left_out(schema));
    if in_time(limit, requests::row_once(client, &are_left_out, &[])).await?.try_get(0)? {
        make_in_turn(client, schema).await?;
    }
    in_time(limit, transaction.commit()).await
}

/// Makes what is left out, in a transaction that holds the turn to append. It takes as long as it takes.
pub(crate) async fn make_in_turn(client: &Client, schema: &SchemaName) -> Result<(), Failure> {
    let make = format!(
        "SET LOCAL statement_timeout = 0; \
        CREATE UNIQUE INDEX event_log_version ON {schema}.event_log (stream_id, version); \
        CREATE INDEX IF NOT EXISTS event_log_type ON {schema}.event_log (event_type, position); \
        SET LOCAL statement_timeout TO DEFAULT"
    );
    requests::script(client, &make).await?;
    tracing::info!(%schema, "made the indexes that were left out while the log was filled");
    Ok(())
}
