//! What a test does past the store, as anybody with a client would.

use std::time::Duration;

use eventstore_postgres::SchemaName;
use tokio::time::timeout;
use tokio_postgres::{Client, NoTls};

/// How long anything may take that has to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Whether the connection breaks is for whoever uses it to notice.
pub(crate) async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

pub(crate) async fn number(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

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

/// Comes back when it is so.
pub(crate) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    assert!(timeout(PATIENCE, waiting).await.is_ok(), "never: {what}");
}
