use eventstore_api::{BackendStats, GlobalPosition, SpecificStats};

use crate::catalog::Catalog;

/// What a log says of itself, in [`BackendStats::specific`].
///
/// ```
/// use eventstore_api::EventStoreBackend;
/// use eventstore_wal::{WalBackend, WalStats};
///
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path();
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let stats = WalBackend::production(path)?.stats().await?;
/// assert_eq!(stats.specific::<WalStats>().map(|wal| (wal.segments, wal.parts)), Some((1, 0)));
/// # Ok::<(), eventstore_api::StoreError>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WalStats {
    /// Segments of the log, the one that is written among them.
    pub segments: u64,
    /// What is written in them, in bytes. Their files may be longer: room is prepared ahead.
    pub log_bytes: u64,
    /// Parts of the archive.
    pub parts: u64,
    /// Events in the archive, which are among all events.
    pub archived_events: u64,
}

impl WalStats {
    fn of(catalog: &Catalog) -> Self {
        let published = catalog.published();
        let mut stats = Self::default();
        for segment in &*catalog.segments() {
            if segment.part.is_some() {
                let last = segment.sealed().map_or(0, |sealed| sealed.last_position);
                stats.parts += 1;
                stats.archived_events += (last + 1).saturating_sub(segment.start.get());
            } else {
                stats.segments += 1;
                stats.log_bytes += published.bound(segment);
            }
        }
        stats
    }
}

impl SpecificStats for WalStats {
    fn backend_type(&self) -> &'static str {
        "wal"
    }

    fn numbers(&self) -> Vec<(&'static str, u64)> {
        let Self { segments, log_bytes, parts, archived_events } = *self;
        vec![
            ("segments", segments),
            ("log_bytes", log_bytes),
            ("parts", parts),
            ("archived_events", archived_events),
        ]
    }
}

/// All that can be said of what a catalog shows, with so many snapshots.
pub(crate) fn stats(catalog: &Catalog, snapshots: u64) -> BackendStats {
    let published = catalog.published();
    let head = GlobalPosition::new(published.head);
    BackendStats::new(published.head, published.streams, snapshots, head).with_specific(WalStats::of(catalog))
}
