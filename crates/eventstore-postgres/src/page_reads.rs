use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How many pages of events were read where, since a store was opened.
///
/// The share of the primary says what [a replica](crate::ReplicaConfig) is worth: pages come from it while the replica is away
/// or behind, and after answers that say less than the caller then knows.
///
/// ```no_run
/// # async fn report(store: &eventstore_postgres::PostgresBackend) {
/// let pages = store.page_reads();
/// println!("{} pages from the primary, {} from replicas", pages.from_primary, pages.from_replicas);
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageReads {
    /// From the server that takes appends.
    pub from_primary: u64,
    /// From replicas.
    pub from_replicas: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    from_primary: AtomicU64,
    from_replicas: AtomicU64,
}

impl Counters {
    pub(crate) fn count_primary(&self) {
        self.from_primary.fetch_add(1, Relaxed);
    }

    pub(crate) fn count_replica(&self) {
        self.from_replicas.fetch_add(1, Relaxed);
    }

    pub(crate) fn so_far(&self) -> PageReads {
        PageReads {
            from_primary: self.from_primary.load(Relaxed),
            from_replicas: self.from_replicas.load(Relaxed),
        }
    }
}
