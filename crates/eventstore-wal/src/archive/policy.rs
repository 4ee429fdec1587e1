use std::time::Duration;

/// Which sealed segments are archived, and how.
///
/// A segment is archived as soon as one of the two limits says so, the oldest first: where age alone is to count, set
/// `keep_segments` to `None`. Without either, none is.
///
/// ```
/// use std::time::Duration;
/// use eventstore_wal::{ArchivePolicy, WalBackend, WalConfig};
///
/// let day = Duration::from_secs(86_400);
/// let policy = ArchivePolicy { keep_segments: None, older_than: Some(day), ..ArchivePolicy::default() };
/// # let directory = tempfile::tempdir()?;
/// let store = WalBackend::with_archive(directory.path(), WalConfig::default(), policy)?;
/// # drop(store);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivePolicy {
    /// How many sealed segments stay as they are, the newest ones: 4 by default. `None` for any number.
    pub keep_segments: Option<usize>,
    /// At which age of its last event a sealed segment is archived, even where it is among those that stay; `None`, by
    /// default, for at none. A segment that is not full is not sealed, however old it is.
    pub older_than: Option<Duration>,
    /// How hard zstd tries, 1 to 22; 3 by default. Outside of that, the nearest is taken.
    pub compression_level: i32,
}

impl Default for ArchivePolicy {
    fn default() -> Self {
        Self { keep_segments: Some(4), older_than: None, compression_level: 3 }
    }
}
