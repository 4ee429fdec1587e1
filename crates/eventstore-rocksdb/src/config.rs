use std::time::Duration;

use eventstore_embedded::Durability;

/// How a store on RocksDB goes about its work. The default is what production wants: everything acknowledged is durable,
/// and memory stays under about 200 MiB, however large the store is.
///
/// ```
/// use eventstore_rocksdb::{Compression, RocksDbConfig};
///
/// let config = RocksDbConfig { compression: Compression::Zstd, cache_bytes: 512 << 20, ..RocksDbConfig::default() };
/// assert_eq!(config.write_buffer_bytes, 32 << 20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RocksDbConfig {
    /// When an append is acknowledged.
    pub durability: Durability,
    /// What becomes of a store whose log is damaged.
    pub recovery: Recovery,
    /// How what is on disk is compressed, from the next file on. What is there stays as it is, and is read all the same.
    pub compression: Compression,
    /// How many bytes of what was read stay in memory, indexes and filters of files among them: 64 MiB by default, 1 MiB at
    /// least.
    pub cache_bytes: usize,
    /// How many bytes of what was written are gathered in memory before they go into sorted files: 32 MiB by default, 1 MiB
    /// at least and 1 GiB at most. The write-ahead log takes twice as much on disk, and after a crash opening takes as long as
    /// reading that. As many bytes are kept free on the disk, so that what is in memory always finds room.
    pub write_buffer_bytes: usize,
    /// How many files are kept open: 512 by default, 16 at least.
    pub max_open_files: u16,
    /// How many threads write and merge files in the background: as many as there are processors by default, between 2 and
    /// 64.
    pub background_jobs: u16,
    /// How long the store has to be idle before it notes that everything before is durable, 20 ms by default:
    /// [`RocksDbReader`](crate::RocksDbReader)s in other processes show the last appends from then on.
    pub mark_after: Duration,
    /// How many bytes of appends may wait for the writer, 64 MiB by default; whoever appends beyond that waits before.
    pub queue_bytes: usize,
    /// Of how many streams the writer remembers the version: 65,536 by default. It looks up the others when they are
    /// appended to.
    pub cached_streams: usize,
}

impl RocksDbConfig {
    pub(crate) fn write_buffer(&self) -> usize {
        self.write_buffer_bytes.clamp(1 << 20, 1 << 30)
    }

    pub(crate) fn background_jobs(&self) -> u16 {
        self.background_jobs.clamp(2, 64)
    }
}

impl Default for RocksDbConfig {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            durability: Durability::Always,
            recovery: Recovery::Strict,
            compression: Compression::Lz4,
            cache_bytes: 64 << 20,
            write_buffer_bytes: 32 << 20,
            max_open_files: 512,
            background_jobs: u16::try_from(processors).unwrap_or(u16::MAX).max(2),
            mark_after: Duration::from_millis(20),
            queue_bytes: 64 << 20,
            cached_streams: 65_536,
        }
    }
}

/// How what is on disk is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    None,
    /// LZ4: hardly slower than none.
    #[default]
    Lz4,
    /// Zstandard: smaller, and slower to write.
    Zstd,
}

/// What becomes of a store whose write-ahead log is damaged, or has lost its end.
///
/// Loss of power damages the log of a store with another [`Durability`] than `Always`: the disk may have got later parts of it
/// and not earlier ones. Nothing that was durable is lost then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Recovery {
    /// It is not opened. Only a write that was interrupted, and therefore not acknowledged as durable, is cut off.
    #[default]
    Strict,
    /// What lies before the damage is kept, and everything behind it is lost for good. For the day after, when there is no
    /// backup: look with [`verify`](crate::verify()) at what is left.
    ///
    /// RocksDB opens no store whose files differ in how far they reach, and a damaged log behind which some of them were
    /// written already leaves such a one: it is refused here too then, unchanged, and what can be read of it is saved by
    /// exporting it.
    UpToDamage,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_kept_in_their_bounds() {
        let of = |size, jobs| RocksDbConfig {
            write_buffer_bytes: size,
            background_jobs: jobs,
            ..RocksDbConfig::default()
        };
        assert_eq!((of(0, 0).write_buffer(), of(0, 0).background_jobs()), (1 << 20, 2));
        let most = of(usize::MAX, u16::MAX);
        assert_eq!((most.write_buffer(), most.background_jobs()), (1 << 30, 64));
    }
}
