//! What a call came to, and that it came to something in time.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use eventstore_api::{Appended, EventStoreBackend, EventType, ExpectedVersion, NewEvent, Result, StoreError};
use eventstore_postgres::PostgresError;
use tokio::time::timeout;
use tokio_postgres::{Client, NoTls};

use super::events::stream;

/// Far longer than anything here takes, on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// What hangs is a failed test.
pub(crate) async fn in_time<T>(call: impl Future<Output = T>) -> T {
    timeout(PATIENCE, call).await.unwrap_or_else(|_| panic!("nothing came of it within {PATIENCE:?}"))
}

/// Asks until it is so.
pub(crate) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        tokio::task::yield_now().await;
    }
}

/// What this crate says is behind an error.
pub(crate) fn cause(error: &StoreError) -> &PostgresError {
    let source = match error {
        StoreError::OutcomeUnknown { source }
        | StoreError::Unavailable { source }
        | StoreError::Storage { source } => source,
        other => panic!("there is nothing behind {other:?}"),
    };
    source.downcast_ref().unwrap_or_else(|| panic!("behind {error:?} is no PostgresError"))
}

/// The message with those of its causes, as an operator reads it.
pub(crate) fn message(error: StoreError) -> String {
    String::from(error)
}

pub(crate) fn event(payload: &str) -> NewEvent {
    NewEvent::new(EventType::new("Happened").unwrap(), payload.as_bytes().to_vec())
}

pub(crate) async fn append(store: &impl EventStoreBackend, name: &str, event: &NewEvent) -> Result<Appended> {
    in_time(store.append(&stream(name), ExpectedVersion::Any, vec![event.clone()])).await
}

/// Appends as callers should: the same events again as long as it may help.
pub(crate) async fn append_surely(store: &impl EventStoreBackend, name: &str, event: &NewEvent) -> Appended {
    let begun = Instant::now();
    loop {
        match append(store, name, event).await {
            Ok(appended) => return appended,
            Err(error) if error.is_retryable() && begun.elapsed() < PATIENCE => {
                tokio::task::yield_now().await;
            }
            Err(error) => panic!("trying again does not help: {}", message(error)),
        }
    }
}

/// The payloads of a stream, in its order.
pub(crate) async fn payloads(store: &impl EventStoreBackend, name: &str) -> Vec<String> {
    let events = in_time(store.get_events(&stream(name))).await.unwrap();
    events.iter().map(|event| String::from_utf8_lossy(&event.payload).into_owned()).collect()
}

/// A client without a store, for what others do to a database.
pub(crate) async fn client(url: &str) -> Client {
    let (client, connection) = in_time(tokio_postgres::connect(url, NoTls)).await.unwrap();
    tokio::spawn(connection);
    client
}

pub(crate) async fn number(client: &Client, sql: &str) -> i64 {
    in_time(client.query_one(sql, &[])).await.unwrap().get(0)
}
