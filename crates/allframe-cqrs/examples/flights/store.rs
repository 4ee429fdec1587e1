use std::sync::Arc;

use allframe_cqrs::{EventStore, EventStoreBackend, InMemoryBackend};
use anyhow::{Context, Result, bail};
use eventstore_postgres::{PostgresBackend, PostgresConfig, SchemaName};
use eventstore_wal::WalBackend;

use crate::flight::FlightEvent;

/// The store is chosen at run time; nothing else in this program knows which one it is.
pub(crate) type FlightStore = EventStore<FlightEvent, Arc<dyn EventStoreBackend>>;

pub(crate) async fn open(store: &str) -> Result<FlightStore> {
    let backend: Arc<dyn EventStoreBackend> = match store.split_once(':') {
        None if store == "memory" => Arc::new(InMemoryBackend::new()),
        Some(("wal", "")) => bail!("`wal:` names no directory, as `wal:./data/flights` does"),
        Some(("wal", directory)) => {
            let opened = WalBackend::production(directory);
            Arc::new(opened.with_context(|| format!("cannot open the store in {directory}"))?)
        }
        Some(("postgresql", _)) => Arc::new(open_postgres(store).await?),
        Some(("postgres", behind)) => {
            // With the scheme of the URL alone, or before a whole URL.
            let url = if behind.starts_with("//") { store } else { behind };
            Arc::new(open_postgres(url).await?)
        }
        // Not more than its beginning: a password may stand behind.
        other => bail!(
            "`{}` is no store that this program knows; it knows `memory`, `wal:DIR` and `postgres:URL`",
            other.map_or(store, |(kind, _)| kind)
        ),
    };
    Ok(EventStore::with_backend(backend))
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
