//! What RocksDB is told to do, and why.

use rust_rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompressionType, DBRecoveryMode, Options,
    SliceTransform, wal_filter::WalRecordAction,
};

use super::gapless::Gapless;
use crate::{
    config::{Compression, Recovery, RocksDbConfig},
    layout::{family, keys},
};

/// The options of one open database; its families share a cache.
pub(super) struct Tuning<'c> {
    config: &'c RocksDbConfig,
    cache: Cache,
}

const MIB: usize = 1 << 20;
/// How many bits a filter takes a key: one look in a hundred goes to a file in vain.
const FILTER_BITS: f64 = 10.0;

impl<'c> Tuning<'c> {
    pub(super) fn new(config: &'c RocksDbConfig) -> Self {
        Self { config, cache: Cache::new_lru_cache(config.cache_bytes.max(MIB)) }
    }

    pub(super) fn database(&self) -> Options {
        let mut options = Options::default();
        options.set_wal_recovery_mode(match self.config.recovery {
            // What ends in the middle of a write was never acknowledged; damage before the end is an error.
            Recovery::Strict => DBRecoveryMode::TolerateCorruptedTailRecords,
            // RocksDB's own default: damage is the end, and what follows is dropped.
            Recovery::UpToDamage => DBRecoveryMode::PointInTime,
        });
        // A log that is written over an old one ends in old records, which look like damage.
        options.set_recycle_log_file_num(0);
        options.set_paranoid_checks(true);
        // A log that was synced, and is missing or shorter when it is needed, is noticed.
        options.set_track_and_verify_wals_in_manifest(true);
        // So is a write that is missing in the middle of one.
        options.set_wal_filter(Gapless::recovering(match self.config.recovery {
            Recovery::Strict => WalRecordAction::Corrupted,
            Recovery::UpToDamage => WalRecordAction::StopReplay,
        }));
        // A file that was written is looked through once before the log goes that it was written from.
        options.set_flush_verify_memtable_count(true);
        options.set_db_write_buffer_size(self.config.write_buffer());
        options.set_max_total_wal_size(2 * self.config.write_buffer() as u64);
        options.set_max_open_files(i32::from(self.config.max_open_files.max(16)));
        options.set_max_background_jobs(i32::from(self.config.background_jobs()));
        // One thread writes: keys that rise go into memory without a search that way.
        options.set_allow_concurrent_memtable_write(false);
        options.set_enable_write_thread_adaptive_yield(false);
        // The disk gets the work in small portions instead of all at the end, when an append waits for it.
        options.set_bytes_per_sync(MIB as u64);
        // What RocksDB tells about itself stays small: one file of at most 4 MiB, and the one before.
        options.set_keep_log_file_num(2);
        options.set_max_log_file_size(4 * MIB);
        options.set_stats_dump_period_sec(0);
        options
    }

    pub(super) fn families(&self) -> Vec<ColumnFamilyDescriptor> {
        // It stays empty. But RocksDB goes on after want of room only when there is as much as the greatest of all families may
        // gather in memory, which would be 64 MiB of this one.
        let mut unused = Options::default();
        unused.set_write_buffer_size(MIB);
        let default = ColumnFamilyDescriptor::new("default", unused);
        let ours = family::ALL.into_iter().map(|name| ColumnFamilyDescriptor::new(name, self.family(name)));
        std::iter::once(default).chain(ours).collect()
    }

    fn family(&self, name: &str) -> Options {
        let mut options = Options::default();
        let mut blocks = BlockBasedOptions::default();
        blocks.set_block_cache(&self.cache);
        // In the cache like everything else, so that memory is bounded however many files there are.
        blocks.set_cache_index_and_filter_blocks(true);
        blocks.set_cache_index_and_filter_blocks_with_high_priority(true);
        blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
        blocks.set_format_version(6);
        match name {
            // Read in order, or by a position that is known to be there: no filter.
            family::EVENTS => blocks.set_block_size(16 << 10),
            family::STREAMS | family::POSTINGS => {
                options.set_prefix_extractor(SliceTransform::create("eventstore.name", keys::name, None));
                blocks.set_bloom_filter(FILTER_BITS, false);
                blocks.set_whole_key_filtering(false);
                options.set_memtable_prefix_bloom_ratio(0.05);
            }
            family::IDS => {
                blocks.set_bloom_filter(FILTER_BITS, false);
                options.set_memtable_prefix_bloom_ratio(0.05);
                options.set_memtable_whole_key_filtering(true);
            }
            _ => blocks.set_bloom_filter(FILTER_BITS, false),
        }
        options.set_block_based_table_factory(&blocks);
        options.set_write_buffer_size(self.config.write_buffer());
        options.set_compression_type(match self.config.compression {
            Compression::None => DBCompressionType::None,
            Compression::Lz4 => DBCompressionType::Lz4,
            Compression::Zstd => DBCompressionType::Zstd,
        });
        options
    }
}
