use std::sync::Arc;

use allframe_cqrs::{EventStore, EventStoreBackend, InMemoryBackend};
use anyhow::{Context, Result, bail};
use eventstore_wal::WalBackend;

use crate::flight::FlightEvent;

/// The store is chosen at run time; nothing else in this program knows which one it is.
pub(crate) type FlightStore = EventStore<FlightEvent, Arc<dyn EventStoreBackend>>;

pub(crate) fn open(store: &str) -> Result<FlightStore> {
    let backend: Arc<dyn EventStoreBackend> = match store.split_once(':') {
        None if store == "memory" => Arc::new(InMemoryBackend::new()),
        Some(("wal", "")) => bail!("`wal:` names no directory, as `wal:./data/flights` does"),
        Some(("wal", directory)) => {
            let opened = WalBackend::production(directory);
            Arc::new(opened.with_context(|| format!("cannot open the store in {directory}"))?)
        }
        _ => bail!("`{store}` is no store that this program knows; it knows `memory` and `wal:DIR`"),
    };
    Ok(EventStore::with_backend(backend))
}
