//! Filling an empty log: the two indexes that take most of the time are left out meanwhile, and made at the end.

use eventstore_api::Result;
use parking_lot::Mutex;

use crate::{
    Migrations, PostgresConfig, SchemaName,
    append::Inside,
    error::{Failure, of_write},
    lent::{Lent, in_time},
    migrate::is_done_at_the_next_try,
    requests,
    store::Store,
};

/// How it is with the indexes that a store leaves out while it is filled.
#[derive(Debug)]
pub(crate) struct BulkLoad(Mutex<Phase>);

#[derive(Debug)]
enum Phase {
    /// They are left out as soon as much is restored into an empty log.
    Wanted,
    /// They may be left out. One connection stores all of it: what is known of streams holds for a session that was there before, and
    /// to look for them again would be to read the whole log for each.
    UnderWay { idle: Option<Box<Lent>> },
    /// Nobody wants it, or it is over.
    Over,
}

/// As few events at a time are no bulk: whoever restores so few has caught up, and follows.
const FEWEST: u64 = 1_024;

impl BulkLoad {
    pub(crate) fn of(config: &PostgresConfig) -> Self {
        let is_wanted = config.bulk_load && config.migrations == Migrations::Run;
        Self(Mutex::new(if is_wanted { Phase::Wanted } else { Phase::Over }))
    }

    /// Whether so many events that are restored into a log that ends at `head` begin it.
    pub(crate) fn begins_with(&self, head: u64, events: u64) -> bool {
        matches!(*self.0.lock(), Phase::Wanted) && head == 0 && events >= FEWEST
    }

    pub(crate) fn is_under_way(&self) -> bool {
        matches!(*self.0.lock(), Phase::UnderWay { .. })
    }

    /// The connection to go on with, if so many events are to be restored; `None` where none is under way, or it has to end.
    pub(crate) fn go_on(&self, events: u64) -> Option<Lent> {
        if events < FEWEST {
            return None;
        }
        self.take_idle()
    }

    /// Puts the connection by, on which everything was stored, for the next time.
    pub(crate) fn put_by(&self, connection: Lent) {
        if let Phase::UnderWay { idle } = &mut *self.0.lock() {
            *idle = Some(Box::new(connection));
        }
    }

    fn take_idle(&self) -> Option<Lent> {
        match &mut *self.0.lock() {
            Phase::UnderWay { idle } => idle.take().map(|idle| *idle),
            Phase::Wanted | Phase::Over => None,
        }
    }

    fn set(&self, phase: Phase) {
        *self.0.lock() = phase;
    }
}

/// Leaves the indexes out from here on, where nothing hangs on them: in a transaction that holds the turn to append, and stores
/// events. They are those that an empty log needs least: where an append ends a stream, and where types are. Positions and ids are
/// unique as always, so that the order of all events can be read, and none is stored twice.
pub(crate) async fn begin(store: &Store, inside: Inside<'_>) -> Result<(), Failure> {
    let schema = &store.sql.schema;
    let may_be = format!(
        "SELECT pg_has_role(c.relowner, 'USAGE') AND c.relkind = 'r' AND NOT EXISTS (SELECT FROM {schema}.event_log) \
            AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.confrelid = c.oid) \
        FROM pg_class c WHERE c.oid = '{schema}.event_log'::regclass"
    );
    let row = inside.within(requests::row_once(inside.client(), &may_be, &[])).await?;
    if !row.try_get::<_, bool>(0)? {
        return Ok(());
    }
    // Before the commit: if nobody can say whether that was made, they may be left out.
    store.bulk_load.set(Phase::UnderWay { idle: None });
    let leave_out = format!(
        "ALTER TABLE {schema}.event_log DROP CONSTRAINT event_log_version; DROP INDEX {schema}.event_log_type"
    );
    inside.within(requests::script(inside.client(), &leave_out)).await
}

/// Makes the indexes, where this store has left them out. Others may have made them, when they opened it.
pub(crate) async fn end(store: &Store) -> Result<()> {
    if !store.bulk_load.is_under_way() {
        return Ok(());
    }
    let mut connection = match store.bulk_load.take_idle() {
        Some(connection) => connection,
        None => store.connections.get().await?,
    };
    let busy = connection.busy();
    let made = make_indexes(&mut connection, &store.sql.schema).await;
    busy.end();
    made?;
    store.bulk_load.set(Phase::Over);
    Ok(())
}

/// A condition of SQL: that a store has left its indexes out.
pub(crate) fn are_left_out(schema: &SchemaName) -> String {
    format!(
        "NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE n.nspname = '{schema}' AND c.relname = 'event_log_version')"
    )
}

/// Makes what is left out, all of it or nothing. Several that do it at once take turns, and all but the first find it done.
pub(crate) async fn make_indexes(connection: &mut Lent, schema: &SchemaName) -> Result<()> {
    make_in_a_transaction(connection, schema)
        .await
        .map_err(|failure| is_done_at_the_next_try(of_write(failure)))
}

async fn make_in_a_transaction(connection: &mut Lent, schema: &SchemaName) -> Result<(), Failure> {
    let limit = connection.answers_within();
    let transaction = in_time(limit, connection.transaction()).await?;
    let client = transaction.client();
    // It takes as long as it takes, and keeps nobody back but whoever would do the same.
    let turn = format!(
        "SET LOCAL statement_timeout = 0; LOCK TABLE {schema}.schema_migrations IN SHARE UPDATE EXCLUSIVE MODE"
    );
    requests::script(client, &turn).await?;
    let are_left_out = format!("SELECT {}", are_left_out(schema));
    if requests::row_once(client, &are_left_out, &[]).await?.try_get(0)? {
        // A constraint only once its index is there: whoever reads is in nobody's way while that is built.
        let make = format!(
            "CREATE UNIQUE INDEX event_log_version ON {schema}.event_log (stream_id, version); \
            CREATE INDEX IF NOT EXISTS event_log_type ON {schema}.event_log (event_type, position); \
            ALTER TABLE {schema}.event_log ADD CONSTRAINT event_log_version UNIQUE USING INDEX event_log_version"
        );
        requests::script(client, &make).await?;
        tracing::info!(%schema, "made the indexes that a bulk load had left out");
    }
    Ok(transaction.commit().await?)
}
