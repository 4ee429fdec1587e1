//! The store of the events, chosen at run time: nothing else in this program knows which one it is.

use std::sync::Arc;

use allframe_cqrs::{
    EventStore, EventStoreBackend, InMemoryBackend, ObservedBackend, PostgresBackend, PostgresConfig,
    SchemaName, StoreError, WalBackend,
};
use anyhow::{Context, Error, Result, anyhow};

use crate::domain::StudioEvent;

pub(crate) type Store = EventStore<StudioEvent, Arc<dyn EventStoreBackend>>;

/// Opens the store, with spans and metrics of every call.
pub(crate) async fn open(store: &str) -> Result<Store> {
    Ok(EventStore::with_backend(backend(store).await?))
}

/// Whether this store comes back by itself: a server may. A directory that another process has open, it has for as long as it runs.
pub(crate) fn is_away(store: &str, error: &anyhow::Error) -> bool {
    is_on_a_server(store)
        && error.chain().any(|cause| cause.downcast_ref().is_some_and(StoreError::is_retryable))
}

pub(crate) fn is_on_a_server(store: &str) -> bool {
    matches!(store.split_once(':'), Some(("postgresql" | "postgres", _)))
}

async fn backend(store: &str) -> Result<Arc<dyn EventStoreBackend>> {
    match store.split_once(':') {
        _ if matches!(store, "memory" | "memory:") => Ok(observed(InMemoryBackend::new())),
        Some(("wal", directory)) if !directory.is_empty() => {
            let directory = directory.to_owned();
            // It reads what is there: on a disk, so on a thread that may wait.
            let opened = tokio::task::spawn_blocking(move || {
                WalBackend::production(&directory)
                    .with_context(|| format!("cannot open the store in {directory}"))
            });
            let opened = opened.await??;
            tracing::info!(recovery = ?opened.recovery(), "the store is open");
            Ok(observed(opened))
        }
        Some(_) if is_on_a_server(store) => {
            // The name of a schema may stand behind a `#`.
            let (url, schema) = SchemaName::behind(store)?;
            let config = PostgresConfig { schema, ..PostgresConfig::default() };
            let opened = PostgresBackend::with_config(url, config).await;
            // The URL is not repeated: a password may be in it.
            Ok(observed(opened.context("cannot open the store on PostgreSQL")?))
        }
        _ => Err(unknown(store)),
    }
}

/// Repeats what stands before a `:` where that can be a scheme, and nothing else: a password may be anywhere in the rest, also
/// before a `:`, as in the keywords that libpq takes.
fn unknown(store: &str) -> Error {
    let is_scheme = |kind: &str| !kind.is_empty() && kind.bytes().all(|it| it.is_ascii_alphanumeric());
    let what = match store.split_once(':') {
        Some((kind, _)) if is_scheme(kind) => format!("begins with `{kind}`, which is"),
        _ => "is".to_owned(),
    };
    anyhow!(
        "SERVICE_STORE {what} no store that this program knows; it knows `memory`, `wal:DIR` and \
         `postgresql://USER@HOST/DATABASE#SCHEMA`"
    )
}

fn observed(backend: impl EventStoreBackend) -> Arc<dyn EventStoreBackend> {
    Arc::new(ObservedBackend::new(backend))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(store: &str) -> String {
        format!("{:#}", open(store).await.err().expect("there is no such store"))
    }

    #[tokio::test]
    async fn what_is_told_of_an_unknown_store_holds_no_password() {
        for store in ["host=db user=ann password=secret", "host=db password=se:cret", "secret", ":secret"] {
            let told = told(store).await;
            assert!(told.starts_with("SERVICE_STORE is no store that this program knows"), "{told}");
            assert!(!told.contains("host=db") && !told.contains("cret"), "{told}");
        }
    }

    #[tokio::test]
    async fn an_unknown_scheme_is_repeated_alone() {
        let told = told("mysql://ann:secret@db/app").await;
        assert!(told.starts_with("SERVICE_STORE begins with `mysql`, which is no store"), "{told}");
        assert!(told.contains("`wal:DIR`") && !told.contains("ann"), "{told}");
    }
}
