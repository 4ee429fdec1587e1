//! The tables beside the read model, and the statements on them. The name of the schema is all that is put into their text.

use eventstore_postgres::SchemaName;

/// Whoever makes the tables holds this lock of the server: `CREATE TABLE IF NOT EXISTS` alone fails where two come at once.
const LOCK_KEY: i64 = 0x616c_6c66_7261_6d65;

#[derive(Debug)]
pub(super) struct Tables {
    /// Whether both are there.
    pub(super) are_there: String,
    pub(super) lock: String,
    pub(super) make: String,
    /// Gives a name and a version their place, if they have none.
    pub(super) enter: String,
    pub(super) position: String,
    /// Moves the position from where it is said to be.
    pub(super) advance: String,
    pub(super) park: String,
    pub(super) count_parked: String,
}

impl Tables {
    /// In a schema, or in the first one of the connection's search path.
    pub(super) fn within(schema: Option<&SchemaName>) -> Self {
        let prefix = schema.map(|schema| format!("{schema}.")).unwrap_or_default();
        let checkpoints = format!("{prefix}projection_checkpoints");
        let parked = format!("{prefix}projection_parked");
        let schema =
            schema.map(|schema| format!("CREATE SCHEMA IF NOT EXISTS {schema};")).unwrap_or_default();
        Self {
            are_there: format!(
                "SELECT to_regclass('{checkpoints}') IS NOT NULL AND to_regclass('{parked}') IS NOT NULL"
            ),
            lock: format!("SELECT pg_advisory_xact_lock({LOCK_KEY})"),
            make: format!(
                "{schema} \
                 CREATE TABLE IF NOT EXISTS {checkpoints} (\
                     name text NOT NULL, \
                     version bigint NOT NULL, \
                     position bigint NOT NULL, \
                     updated_at timestamptz NOT NULL DEFAULT now(), \
                     PRIMARY KEY (name, version)); \
                 CREATE TABLE IF NOT EXISTS {parked} (\
                     name text NOT NULL, \
                     version bigint NOT NULL, \
                     position bigint NOT NULL, \
                     reason text NOT NULL, \
                     parked_at timestamptz NOT NULL DEFAULT now(), \
                     PRIMARY KEY (name, version, position))"
            ),
            enter: format!(
                "INSERT INTO {checkpoints} (name, version, position) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING"
            ),
            position: format!("SELECT position FROM {checkpoints} WHERE name = $1 AND version = $2"),
            advance: format!(
                "UPDATE {checkpoints} SET position = $4, updated_at = now() \
                 WHERE name = $1 AND version = $2 AND position = $3"
            ),
            // It is there where the checkpoint was put back by hand.
            park: format!(
                "INSERT INTO {parked} (name, version, position, reason) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (name, version, position) \
                 DO UPDATE SET reason = excluded.reason, parked_at = excluded.parked_at"
            ),
            count_parked: format!("SELECT count(*) FROM {parked} WHERE name = $1 AND version = $2"),
        }
    }
}
