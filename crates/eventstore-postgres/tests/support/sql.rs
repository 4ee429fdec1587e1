//! What a test does past the store, as anybody with a client would.

use eventstore_postgres::SchemaName;

/// Appends an event of this type to a stream, in the transaction that is open or in one of its own.
pub(crate) fn append(schema: &SchemaName, stream: &str, event_type: &str) -> String {
    format!(
        "SELECT position FROM {schema}.append_events(ARRAY['{stream}'], '{{}}', '{{}}', '{{}}', NULL, 0, \
        '{{1}}', '{{1}}', '{{1}}', '{{1}}', ARRAY[gen_random_uuid()], ARRAY['{event_type}'], '{{1}}', '{{0}}', \
        ARRAY[NULL]::text[], ARRAY['x']::bytea[], ARRAY[NULL]::text[], ARRAY[NULL]::text[], false)"
    )
}

/// The URL, for connections that say this name to the server.
pub(crate) fn named(url: &str, application: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}application_name={application}")
}
