//! Where the events are: the only file that knows.

use std::sync::Arc;

use allframe_cqrs::{EventStoreBackend, InMemoryBackend, WalBackend};
use anyhow::Result;

/// The store that a URL names.
pub(crate) async fn open(url: &str) -> Result<Arc<dyn EventStoreBackend>> {
    if url == "memory:" {
        return Ok(Arc::new(InMemoryBackend::new()));
    }
    #[cfg(feature = "postgres")]
    if url.starts_with("postgres") {
        return postgres(url).await;
    }
    Ok(Arc::new(WalBackend::production(url.trim_start_matches("wal:"))?))
}

#[cfg(feature = "postgres")]
async fn postgres(url: &str) -> Result<Arc<dyn EventStoreBackend>> {
    use allframe_cqrs::{PostgresBackend, PostgresConfig, SchemaName};

    let (url, schema) = SchemaName::behind(url)?;
    let config = PostgresConfig { schema, ..PostgresConfig::default() };
    Ok(Arc::new(PostgresBackend::with_config(url, config).await?))
}
