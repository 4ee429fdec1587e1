use eventstore_api::{GlobalPosition, Result, SpecificStats};

use crate::{database::Database, error::failed, layout::family};

/// What a store on RocksDB says of itself, in [`BackendStats::specific`](eventstore_api::BackendStats::specific).
///
/// ```
/// use eventstore_api::EventStoreBackend;
/// use eventstore_rocksdb::{RocksDbBackend, RocksDbStats};
///
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path();
/// # tokio::runtime::Builder::new_multi_thread().build().unwrap().block_on(async {
/// let stats = RocksDbBackend::open(path)?.stats().await?;
/// assert_eq!(stats.specific::<RocksDbStats>().map(|rocksdb| rocksdb.durable_head.get()), Some(0));
/// # Ok::<(), eventstore_api::StoreError>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RocksDbStats {
    /// What the sorted files take, in bytes.
    pub file_bytes: u64,
    /// What is gathered in memory and not in sorted files yet, in bytes. It is in the write-ahead log.
    pub memory_bytes: u64,
    /// What is to be rewritten to keep the files in order, in bytes, as RocksDB estimates it.
    pub pending_compaction_bytes: u64,
    /// The position of the last event of which the store says that it is durable.
    pub durable_head: GlobalPosition,
}

impl RocksDbStats {
    pub(crate) fn of(database: &Database, durable_head: GlobalPosition) -> Result<Self> {
        let sum = |property: &str| -> Result<u64> {
            let mut sum = 0;
            for name in family::ALL {
                let family = database.family(name)?;
                let found = database.raw().property_int_value_cf(family, property);
                sum += found.map_err(failed(database.path(), "read a property"))?.unwrap_or_default();
            }
            Ok(sum)
        };
        Ok(Self {
            file_bytes: sum("rocksdb.total-sst-files-size")?,
            memory_bytes: sum("rocksdb.cur-size-all-mem-tables")?,
            pending_compaction_bytes: sum("rocksdb.estimate-pending-compaction-bytes")?,
            durable_head,
        })
    }
}

impl SpecificStats for RocksDbStats {
    fn backend_type(&self) -> &'static str {
        "rocksdb"
    }

    fn numbers(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("file_bytes", self.file_bytes),
            ("memory_bytes", self.memory_bytes),
            ("pending_compaction_bytes", self.pending_compaction_bytes),
            ("durable_head", self.durable_head.get()),
        ]
    }
}
