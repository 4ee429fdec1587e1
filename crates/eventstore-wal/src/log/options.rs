use eventstore_api::Timestamp;
use eventstore_embedded::Durability;

/// How the log goes about its work.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// From how many bytes on a segment is sealed, and the next one begun.
    pub segment_bytes: u64,
    /// How much of a segment is prepared at a time, so that writing there changes no file's size, in bytes.
    pub extent_bytes: u64,
    /// How many bytes of frames that were read of streams stay in memory.
    pub cache_bytes: usize,
    /// When what was appended becomes durable.
    pub durability: Durability,
    /// Where the times of events come from.
    pub clock: fn() -> Timestamp,
    /// Bugs that the crash tests must find.
    #[cfg(feature = "torture")]
    pub bug: Option<super::SeededBug>,
}
