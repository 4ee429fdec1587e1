use std::sync::Arc;

use allframe_cqrs::{EventStore, EventStoreBackend, InMemoryBackend};
use anyhow::{Context, Result, bail};
use eventstore_postgres::{PostgresBackend, PostgresConfig, SchemaName};
use eventstore_wal::WalBackend;

use super::flight::FlightEvent;

/// The store is chosen at run time; nothing else in this program knows which one it is.
pub(crate) type Backend = Arc<dyn EventStoreBackend>;
pub(crate) type FlightStore = EventStore<FlightEvent, Backend>;

/// Opens a store that another run may be writing, to look at it.
pub(crate) async fn open_to_look(store: &str) -> Result<FlightStore> {
    match store.split_once(':') {
        _ if is_in_memory(store) => bail!("what is in the memory of another run cannot be watched"),
        Some(("wal", directory)) if !directory.is_empty() => {
            let opened = WalBackend::open_read_only(directory);
            let backend: Backend = Arc::new(opened.with_context(|| cannot_open(directory))?);
            Ok(EventStore::with_backend(backend))
        }
        #[cfg(feature = "rocksdb")]
        Some(("rocksdb", directory)) if !directory.is_empty() => {
            let opened = allframe_cqrs::RocksDbReader::open(directory);
            let backend: Backend = Arc::new(opened.with_context(|| cannot_open(directory))?);
            Ok(EventStore::with_backend(backend))
        }
        // A server that serves both.
        _ => open(store).await,
    }
}

/// Whether no other process can be writing this store while one does: a server serves several.
pub(crate) fn is_of_one_process(store: &str) -> bool {
    !store.starts_with("postgres")
}

/// `memory:` is how the `eventstore` tool calls it.
fn is_in_memory(store: &str) -> bool {
    matches!(store, "memory" | "memory:")
}

pub(crate) async fn open(store: &str) -> Result<FlightStore> {
    let backend: Backend = match store.split_once(':') {
        _ if is_in_memory(store) => Arc::new(InMemoryBackend::new()),
        Some((kind @ ("wal" | "rocksdb"), "")) => {
            bail!("`{kind}:` names no directory, as `{kind}:./data/flights` does")
        }
        Some(("wal", directory)) => {
            let opened = WalBackend::production(directory);
            Arc::new(opened.with_context(|| cannot_open(directory))?)
        }
        Some(("rocksdb", directory)) => open_rocksdb(directory)?,
        Some(("postgresql", _)) => Arc::new(open_postgres(store).await?),
        Some(("postgres", behind)) => {
            // With the scheme of the URL alone, or before a whole URL.
            let url = if behind.starts_with("//") { store } else { behind };
            Arc::new(open_postgres(url).await?)
        }
        // Not more than its beginning: a password may stand behind.
        other => bail!(
            "`{}` is no store that this program knows; it knows `memory`, `wal:DIR`, `rocksdb:DIR` and \
             `postgres:URL`",
            other.map_or(store, |(kind, _)| kind)
        ),
    };
    Ok(EventStore::with_backend(backend))
}

#[cfg(feature = "rocksdb")]
fn open_rocksdb(directory: &str) -> Result<Backend> {
    let opened = allframe_cqrs::RocksDbBackend::open(directory);
    Ok(Arc::new(opened.with_context(|| cannot_open(directory))?))
}

#[cfg(not(feature = "rocksdb"))]
fn open_rocksdb(directory: &str) -> Result<Backend> {
    bail!(
        "this program was built without RocksDB, which compiles for ten minutes and more; build it with: \
         cargo run --release -p allframe-cqrs --example flights --features rocksdb -- --store rocksdb:{directory}"
    )
}

fn cannot_open(directory: &str) -> String {
    format!("cannot open the store in {directory}")
}

/// The store in the schema that stands behind a `#`, of the database that the URL names.
async fn open_postgres(url: &str) -> Result<PostgresBackend> {
    const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];
    if !SCHEMES.iter().any(|scheme| url.starts_with(scheme)) {
        bail!("`postgres:` names no database, as `postgres:postgresql://localhost/app` does");
    }
    let (url, schema) = SchemaName::behind(url)?;
    let opened =
        PostgresBackend::with_config(url, PostgresConfig { schema: schema.clone(), ..Default::default() });
    // The URL is not repeated: a password may be in it.
    opened.await.with_context(|| format!("cannot open the store on PostgreSQL, schema {schema}"))
}
