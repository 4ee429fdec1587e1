use eventstore_api::SpecificStats;

/// What a store in memory says of itself, in [`BackendStats::specific`](eventstore_api::BackendStats::specific).
///
/// ```
/// use eventstore_api::EventStoreBackend;
/// use eventstore_memory::{InMemoryBackend, InMemoryStats};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let stats = InMemoryBackend::new().stats().await?;
/// assert_eq!(stats.specific::<InMemoryStats>().map(|memory| memory.payload_bytes), Some(0));
/// # Ok::<(), eventstore_api::StoreError>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct InMemoryStats {
    /// The payloads of all events, in bytes. What they take beside that (names, metadata, indexes) is not counted.
    pub payload_bytes: u64,
    /// Types of events.
    pub event_types: u64,
}

impl SpecificStats for InMemoryStats {
    fn backend_type(&self) -> &'static str {
        "in-memory"
    }

    fn numbers(&self) -> Vec<(&'static str, u64)> {
        vec![("payload_bytes", self.payload_bytes), ("event_types", self.event_types)]
    }
}
