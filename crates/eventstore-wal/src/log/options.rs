use std::time::Duration;

use eventstore_api::Timestamp;

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

/// When an append is acknowledged, and what becomes of it when the machine fails.
///
/// ```
/// use std::time::Duration;
/// use eventstore_wal::{Durability, WalConfig};
///
/// assert_eq!(Durability::default(), Durability::Always);
/// let logged = WalConfig { durability: Durability::Interval(Duration::from_millis(50)), ..WalConfig::default() };
/// # let _ = logged;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// An append is acknowledged when it is on the disk: it survives the end of the process, and loss of power.
    #[default]
    Always,
    /// An append is acknowledged when the operating system has it, and reaches the disk within about this time. It survives
    /// the end of the process; loss of power takes what was acknowledged since the last sync. Intervals shorter than 1 ms are
    /// taken as 1 ms.
    Interval(Duration),
    /// An append is acknowledged when the operating system has it, which writes it when it likes. It survives the end of the
    /// process; loss of power takes what was not [flushed](eventstore_api::EventStoreBackend::flush).
    OsBuffered,
}
