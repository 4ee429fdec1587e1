//! The statements that do not depend on what is asked for. The schema's name is all that is put into their text.

use crate::{SchemaName, columns::EVENT, indexes};

#[derive(Debug)]
pub(crate) struct Statements {
    pub(crate) schema: SchemaName,
    pub(crate) append: String,
    pub(crate) known_events: String,
    pub(crate) stream_forward: String,
    pub(crate) stream_backward: String,
    pub(crate) all_forward: String,
    pub(crate) all_backward: String,
    pub(crate) save_snapshot: String,
    pub(crate) latest_snapshot: String,
    pub(crate) snapshot_streams: String,
    pub(crate) stats: String,
    pub(crate) head: String,
    pub(crate) channel: String,
    pub(crate) take_turn: String,
    pub(crate) log_end: String,
    pub(crate) stream_heads: String,
    pub(crate) add_streams: String,
    pub(crate) make_room: String,
    pub(crate) copy_events: String,
    pub(crate) copy_tags: String,
    #[cfg(feature = "parquet")]
    pub(crate) oldest_partition: String,
    #[cfg(feature = "parquet")]
    pub(crate) retire_partition: String,
    #[cfg(feature = "parquet")]
    pub(crate) delete_retired_tags: String,
    #[cfg(feature = "parquet")]
    pub(crate) retired_position: String,
}

impl Statements {
    pub(crate) fn of(schema: &SchemaName) -> Self {
        let arguments: Vec<String> =
            (1..=19)
                .map(|number| {
                    if number == CONDITION { format!("${number}::text::jsonb") } else { format!("${number}") }
                })
                .collect();
        let of_stream = |beyond: &str, order: &str| {
            page(
                order,
                "version",
                &format!(
                    "SELECT e.* FROM {schema}.event_log e \
                    WHERE e.stream_id = (SELECT stream_id FROM {schema}.stream_names WHERE name = $1) \
                        AND e.version {beyond} $2 ORDER BY e.version {order} LIMIT $3"
                ),
                "$4",
                "CROSS JOIN (SELECT $1::text AS name) s",
            )
        };
        let of_all = |beyond: &str, order: &str| {
            let inner = |columns: &str| {
                format!(
                    "SELECT {columns} FROM {schema}.event_log e \
                    WHERE e.position {beyond} $1 ORDER BY e.position {order} LIMIT $2"
                )
            };
            let names = named(schema);
            // Most pages fit, and to number the rows of one costs half of what it costs to read them: so it is asked first.
            format!(
                "WITH asked AS MATERIALIZED ( \
                    SELECT coalesce(sum(p.payload_bytes), 0) <= $3 AS fits FROM ({bytes}) p \
                ) SELECT {EVENT} FROM ({whole}) e {names} WHERE (SELECT fits FROM asked) \
                UNION ALL {cut} AND NOT (SELECT fits FROM asked)",
                bytes = inner("e.payload_bytes"),
                whole = inner("e.*"),
                cut = page(order, "position", &inner("e.*"), "$3", &names),
            )
        };
        Self {
            schema: schema.clone(),
            append: format!(
                "SELECT outcome, number, guard, version, position FROM {schema}.append_events({})",
                arguments.join(", ")
            ),
            known_events: format!(
                "SELECT {EVENT}, k.position, w.id FROM unnest($1::uuid[], $2::text[]) AS w (id, stream) \
                JOIN {schema}.stream_names s ON s.name = w.stream \
                JOIN {schema}.known_ids k ON k.event_id = w.id AND k.stream_id = s.stream_id \
                LEFT JOIN {schema}.event_log e ON e.position = k.position"
            ),
            stream_forward: of_stream(">", "ASC"),
            stream_backward: of_stream("<", "DESC"),
            all_forward: of_all(">", "ASC"),
            all_backward: of_all("<", "DESC"),
            save_snapshot: format!(
                "INSERT INTO {schema}.snapshots AS kept (stream, version, state_type, schema_version, encoding, payload) \
                VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (stream) DO UPDATE SET version = excluded.version, \
                state_type = excluded.state_type, schema_version = excluded.schema_version, \
                encoding = excluded.encoding, payload = excluded.payload, saved_at = excluded.saved_at \
                WHERE kept.version <= excluded.version"
            ),
            latest_snapshot: format!(
                "SELECT version, state_type, schema_version, encoding, payload FROM {schema}.snapshots WHERE stream = $1"
            ),
            snapshot_streams: format!(
                "SELECT stream FROM {schema}.snapshots WHERE $1::text IS NULL OR stream > $1 ORDER BY stream LIMIT $2"
            ),
            // Positions have no gap, and every stream has a name.
            stats: format!(
                "SELECT {schema}.head_position(), {schema}.head_position() - {schema}.retired_position(), \
                (SELECT count(*) FROM {schema}.stream_names) - (SELECT count(*) FROM {schema}.retired_streams r \
                    WHERE NOT EXISTS (SELECT FROM {schema}.event_log e WHERE e.stream_id = r.stream_id)), \
                (SELECT count(*) FROM {schema}.snapshots), \
                (SELECT pg_total_relation_size('{schema}.event_log') + coalesce(sum(pg_total_relation_size(i.inhrelid)), 0)::bigint \
                    + pg_total_relation_size('{schema}.event_tags') + pg_total_relation_size('{schema}.stream_names') \
                    + coalesce(pg_total_relation_size(to_regclass('{schema}.stored_ids')), 0) \
                    FROM pg_inherits i WHERE i.inhparent = '{schema}.event_log'::regclass), \
                (SELECT count(*) FROM {schema}.partitions WHERE retired_at IS NULL), {schema}.retired_position()"
            ),
            // Not by `head_position`, whose call costs several times what it does, and this is asked before each page of a replica.
            head: format!(
                "SELECT coalesce((SELECT position FROM {schema}.event_log ORDER BY position DESC LIMIT 1), 0) AS head"
            ),
            take_turn: format!(
                "SELECT {schema}.take_turn(), has_table_privilege('{schema}.event_log', 'INSERT')"
            ),
            log_end: format!(
                "SELECT {schema}.head_position(), clock_timestamp(), \
                (SELECT e.recorded_at FROM {schema}.event_log e WHERE e.position = {schema}.head_position()), \
                (SELECT e.event_id FROM {schema}.event_log e WHERE e.position = {schema}.head_position()), \
                pg_catalog.pg_postmaster_start_time(), \
                (SELECT s.backend_start FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) s), \
                '{schema}.stream_names'::regclass::oid::bigint, {}",
                indexes::are_left_out(schema)
            ),
            stream_heads: format!("SELECT name, stream_id, version FROM {schema}.stream_heads($1)"),
            add_streams: format!(
                "INSERT INTO {schema}.stream_names (name) SELECT pg_catalog.unnest($1::text[]) RETURNING name, stream_id"
            ),
            make_room: format!("SELECT {schema}.make_room($1)"),
            copy_events: format!(
                "COPY {schema}.event_log (position, stream_id, version, recorded_at, event_id, schema_version, encoding, \
                event_type, data, payload, payload_bytes, metadata, tags) FROM STDIN (FORMAT binary)"
            ),
            copy_tags: format!("COPY {schema}.event_tags (tag, position) FROM STDIN (FORMAT binary)"),
            // Of those that are full and have others behind them.
            #[cfg(feature = "parquet")]
            oldest_partition: format!(
                "SELECT p.first_position, p.beyond, e.recorded_at, {schema}.head_position(), clock_timestamp() \
                FROM {schema}.partitions p JOIN {schema}.event_log e ON e.position = p.beyond - 1 \
                WHERE p.retired_at IS NULL AND p.beyond <= {schema}.head_position() ORDER BY p.first_position LIMIT 1"
            ),
            #[cfg(feature = "parquet")]
            retire_partition: format!("SELECT {schema}.retire_partition($1, $2)"),
            #[cfg(feature = "parquet")]
            retired_position: format!("SELECT {schema}.retired_position()"),
            #[cfg(feature = "parquet")]
            delete_retired_tags: format!(
                "DELETE FROM {schema}.event_tags WHERE position <= {schema}.retired_position()"
            ),
            channel: format!("SELECT 'eventstore_'::text || '{schema}.stream_names'::regclass::oid::text"),
        }
    }
}

/// The name of the stream of each event `e`, looked for by its number. With a join the server may choose to read all names for a page: it
/// plans a statement that is kept prepared for a tenth of the log, however short its pages are, and before it knows how many names
/// there will be.
pub(crate) fn named(schema: &SchemaName) -> String {
    format!(
        "CROSS JOIN LATERAL (SELECT (SELECT n.name FROM {schema}.stream_names n WHERE n.stream_id = e.stream_id) AS name) s"
    )
}

/// Which argument of an append is the condition, which is sent as text.
const CONDITION: usize = 5;

/// A page of events: of `inner`, in this order, what has at most so many bytes of payloads before it. So what does not fit
/// is not sent, but for one event that says there is more; the second may be that one, behind a first that is too large.
pub(crate) fn bounded(order: &str, by: &str, inner: &str) -> String {
    format!(
        "SELECT p.*, row_number() OVER page AS place, \
            sum(p.payload_bytes) OVER page - p.payload_bytes AS bytes_before \
        FROM ({inner}) p WINDOW page AS (ORDER BY p.{by} {order} ROWS UNBOUNDED PRECEDING)"
    )
}

/// Whether an event `e` of those is among the page.
pub(crate) fn is_within(most_bytes: &str) -> String {
    format!("(e.bytes_before <= {most_bytes} OR e.place <= 2)")
}

/// The events of a page, in no order: [`Question`](crate::question::Question) puts them in one.
fn page(order: &str, by: &str, inner: &str, most_bytes: &str, names: &str) -> String {
    let (inner, is_within) = (bounded(order, by, inner), is_within(most_bytes));
    format!("SELECT {EVENT} FROM ({inner}) e {names} WHERE {is_within}")
}
