use std::time::Duration;

use eventstore_api::Timestamp;

use crate::log::{Durability, LogOptions};

/// How a store on disk goes about its work. The default is what production wants: everything acknowledged is durable.
///
/// A size outside its range is taken as the nearest one in it.
///
/// ```
/// use eventstore_wal::{Durability, WalConfig};
///
/// let config = WalConfig { durability: Durability::OsBuffered, ..WalConfig::default() };
/// assert_eq!(config.segment_bytes, 64 << 20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalConfig {
    /// When an append is acknowledged.
    pub durability: Durability,
    /// From how many bytes on a segment of the log is sealed and the next one begun; between 4 KiB and 4 GiB, 64 MiB
    /// by default. What the segment that is written holds has its index in memory, 20 to 40 bytes an event, more with
    /// tags.
    pub segment_bytes: u64,
    /// How much of a segment is filled with zeros ahead of the writer at a time, between 4 KiB and the segment, 4 MiB by
    /// default: a commit then moves no metadata. It is the most that an open store takes on disk beyond what it holds.
    pub preallocate_bytes: u64,
    /// How long the log has to be idle before it says in the file that everything before is durable, 20 ms by default.
    /// From then on, bit rot in the last append cannot be taken for an append that was interrupted.
    pub mark_after: Duration,
    /// How many bytes of appends may wait for the writer, 64 MiB by default; whoever appends beyond that waits before. They
    /// are counted as they go into the log, in KiB, at least one an append. Any number will do: an append that is greater
    /// waits until it is alone.
    pub queue_bytes: usize,
    /// How many bytes of what was read of streams stay in memory, so that a stream that is read again takes no call of
    /// the system: 16 MiB by default, 0 for none.
    pub cache_bytes: usize,
}

impl Default for WalConfig {
    fn default() -> Self {
        Self {
            durability: Durability::Always,
            segment_bytes: 64 << 20,
            preallocate_bytes: 4 << 20,
            mark_after: Duration::from_millis(20),
            queue_bytes: 64 << 20,
            cache_bytes: 16 << 20,
        }
    }
}

/// Segments count their bytes in multiples of 8 up to 2^32, and a frame may be longer than a segment wants to be.
const SEGMENT_BYTES: std::ops::RangeInclusive<u64> = 4 << 10..=4 << 30;

impl WalConfig {
    /// What the engine goes by, in its bounds.
    pub(crate) fn log_options(&self) -> LogOptions {
        let segment_bytes = self.segment_bytes.clamp(*SEGMENT_BYTES.start(), *SEGMENT_BYTES.end());
        LogOptions {
            segment_bytes,
            extent_bytes: self.preallocate_bytes.clamp(*SEGMENT_BYTES.start(), segment_bytes),
            cache_bytes: self.cache_bytes,
            durability: self.durability,
            clock: Timestamp::now,
            #[cfg(feature = "torture")]
            bug: None,
        }
    }
}
