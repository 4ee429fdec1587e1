use std::ffi::CStr;

use parking_lot::Mutex;
use rust_rocksdb::{
    WriteBatch,
    wal_filter::{WalFilter, WalRecordAction},
};

/// Looks at each write that is recovered from the log, and notices where one is missing.
///
/// A write that is damaged is noticed by its checksum. But where the disk has wiped out the frame of one, RocksDB takes it for
/// the filling at the end of a block, goes on behind the block, and says nothing. Writes are numbered, though: each begins
/// where the one before has ended.
#[derive(Debug)]
pub(super) struct Gapless {
    /// What is to be done there.
    otherwise: WalRecordAction,
    /// The number that the next write begins with.
    next: Mutex<Option<u64>>,
}

impl Gapless {
    pub(super) fn new(otherwise: WalRecordAction) -> Self {
        Self { otherwise, next: Mutex::new(None) }
    }
}

impl WalFilter for Gapless {
    /// RocksDB tells it when the log is refused.
    fn name(&self) -> &CStr {
        c"the numbers of the writes: one or more are missing in the log"
    }

    fn log_record_found(&self, _: u64, _: &[u8], batch: &WriteBatch, _: &mut WriteBatch) -> WalRecordAction {
        let mut next = self.next.lock();
        let Some((first, count)) = numbers(batch.data()) else { return self.otherwise };
        // A note of RocksDB's own is no write.
        if count == 0 {
            return WalRecordAction::Continue;
        }
        if next.is_some_and(|next| next != first) {
            return self.otherwise;
        }
        *next = first.checked_add(count);
        WalRecordAction::Continue
    }
}

/// The number of the first key in a batch, and how many keys there are: it begins with them, little-endian.
fn numbers(batch: &[u8]) -> Option<(u64, u64)> {
    let (first, rest) = batch.split_first_chunk()?;
    let count = rest.first_chunk()?;
    Some((u64::from_le_bytes(*first), u64::from(u32::from_le_bytes(*count))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A batch of so many keys, of which the first has this number.
    fn batch(first: u64, count: u32) -> WriteBatch {
        let mut written = WriteBatch::default();
        (0..count).for_each(|key| written.put(key.to_le_bytes(), []));
        let mut bytes = written.data().to_vec();
        bytes[..8].copy_from_slice(&first.to_le_bytes());
        WriteBatch::from_data(&bytes)
    }

    fn actions(batches: &[WriteBatch]) -> Vec<WalRecordAction> {
        let filter = Gapless::new(WalRecordAction::Corrupted);
        batches
            .iter()
            .map(|it| filter.log_record_found(1, b"1.log", it, &mut WriteBatch::default()))
            .collect()
    }

    #[test]
    fn writes_that_follow_each_other_are_taken() {
        let taken = actions(&[batch(7, 2), batch(9, 1), batch(9, 0), batch(10, 5), batch(15, 1)]);
        assert_eq!(taken, [WalRecordAction::Continue; 5]);
    }

    #[test]
    fn a_missing_write_is_noticed_and_so_is_one_that_is_there_twice() {
        assert_eq!(actions(&[batch(7, 2), batch(10, 1)]).last(), Some(&WalRecordAction::Corrupted));
        assert_eq!(actions(&[batch(7, 2), batch(7, 2)]).last(), Some(&WalRecordAction::Corrupted));
    }
}
