use std::sync::Arc;

use allframe_cqrs::{EventStore, EventStoreBackend, InMemoryBackend};
use anyhow::{Result, bail};

use crate::flight::FlightEvent;

/// The store is chosen at run time; nothing else in this program knows which one it is.
pub(crate) type FlightStore = EventStore<FlightEvent, Arc<dyn EventStoreBackend>>;

pub(crate) fn open(store: &str) -> Result<FlightStore> {
    let backend: Arc<dyn EventStoreBackend> = match store {
        "memory" => Arc::new(InMemoryBackend::new()),
        other => bail!("`{other}` is no store that this program knows; it knows `memory`"),
    };
    Ok(EventStore::with_backend(backend))
}
