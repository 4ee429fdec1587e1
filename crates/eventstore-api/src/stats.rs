use crate::GlobalPosition;

/// How much a store holds. The counts are exact: they are of one moment, and equal what a full read then counts.
///
/// ```
/// use eventstore_api::{BackendStats, GlobalPosition};
///
/// let empty = BackendStats::new(0, 0, 0, GlobalPosition::START);
/// assert_eq!(empty, BackendStats::default());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackendStats {
    /// Events.
    pub total_events: u64,
    /// Streams with at least one event.
    pub total_streams: u64,
    /// Streams with a snapshot.
    pub total_snapshots: u64,
    /// The position of the last event; [`GlobalPosition::START`] where there is none.
    pub head: GlobalPosition,
}

impl BackendStats {
    /// These counts. For backends.
    #[must_use]
    pub fn new(total_events: u64, total_streams: u64, total_snapshots: u64, head: GlobalPosition) -> Self {
        Self { total_events, total_streams, total_snapshots, head }
    }
}
