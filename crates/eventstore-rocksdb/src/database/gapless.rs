use std::{ffi::CStr, sync::Arc};

use parking_lot::Mutex;
use rust_rocksdb::{
    WriteBatch, WriteBatchIteratorCf,
    wal_filter::{WalFilter, WalRecordAction},
};

use crate::layout::{keys, state::State};

/// Looks at each write that is recovered from the log, and notices where one is missing.
///
/// A write that is damaged is noticed by its checksum. But where the disk has wiped out the frame of one, RocksDB takes it for
/// the filling at the end of a block, goes on behind the block, and says nothing. Writes are numbered, though: each begins
/// where the one before has ended.
#[derive(Debug)]
pub(super) struct Gapless {
    /// What is to be done with a write that is where it should be.
    taken: WalRecordAction,
    /// What is to be done where one is missing.
    otherwise: WalRecordAction,
    log: SeenLog,
}

/// What was seen of the log so far.
#[derive(Clone, Debug, Default)]
pub(super) struct SeenLog(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    /// The number that the next write begins with.
    next: Option<u64>,
    /// The last write.
    last: Vec<u8>,
}

impl Gapless {
    /// Has every write recovered.
    pub(super) fn recovering(otherwise: WalRecordAction) -> Self {
        Self { taken: WalRecordAction::Continue, otherwise, log: SeenLog::default() }
    }

    /// Has none recovered: the log is only looked at, which takes a tenth of the time.
    pub(super) fn looking(log: SeenLog) -> Self {
        Self { taken: WalRecordAction::Ignore, otherwise: WalRecordAction::Corrupted, log }
    }
}

impl SeenLog {
    /// The number of the last write; 0 where there is none.
    pub(super) fn sequence(&self) -> u64 {
        self.0.lock().next.map_or(0, |next| next.saturating_sub(1))
    }

    /// What the last write says of the store, if there is one.
    pub(super) fn state(&self) -> Option<State> {
        let mut last = LastPut::default();
        let seen = self.0.lock();
        if !seen.last.is_empty() {
            WriteBatch::from_data(&seen.last).iterate_cf(&mut last);
        }
        (last.key == keys::STATE).then(|| State::from_bytes(&last.value)).flatten()
    }
}

impl WalFilter for Gapless {
    /// RocksDB tells it when the log is refused.
    fn name(&self) -> &CStr {
        c"the numbers of the writes: one or more are missing in the log"
    }

    fn log_record_found(&self, _: u64, _: &[u8], batch: &WriteBatch, _: &mut WriteBatch) -> WalRecordAction {
        let mut seen = self.log.0.lock();
        let Some((first, count)) = numbers(batch.data()) else { return self.otherwise };
        // A note of RocksDB's own is no write.
        if count == 0 {
            return self.taken;
        }
        if seen.next.is_some_and(|next| next != first) {
            return self.otherwise;
        }
        seen.next = first.checked_add(count);
        if self.taken == WalRecordAction::Ignore {
            seen.last.clear();
            seen.last.extend_from_slice(batch.data());
        }
        self.taken
    }
}

/// The number of the first key in a batch, and how many keys there are: it begins with them, little-endian.
fn numbers(batch: &[u8]) -> Option<(u64, u64)> {
    let (first, rest) = batch.split_first_chunk()?;
    let count = rest.first_chunk()?;
    Some((u64::from_le_bytes(*first), u64::from(u32::from_le_bytes(*count))))
}

/// What a batch puts last: the state of the store, in every batch of appends.
#[derive(Default)]
struct LastPut {
    key: Vec<u8>,
    value: Vec<u8>,
}

impl WriteBatchIteratorCf for LastPut {
    fn put_cf(&mut self, _: u32, key: &[u8], value: &[u8]) {
        (self.key, self.value) = (key.to_vec(), value.to_vec());
    }

    fn delete_cf(&mut self, _: u32, _: &[u8]) {}

    fn merge_cf(&mut self, _: u32, _: &[u8], _: &[u8]) {}
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
        let filter = Gapless::recovering(WalRecordAction::Corrupted);
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

    #[test]
    fn where_the_log_ends_is_seen_without_recovering_it() {
        let log = SeenLog::default();
        let filter = Gapless::looking(log.clone());
        assert_eq!((log.sequence(), log.state()), (0, None));
        let mut appended = batch(7, 2);
        assert_eq!(look(&filter, &appended), WalRecordAction::Ignore);
        assert_eq!((log.sequence(), log.state()), (8, None));

        appended.put(keys::STATE, State::default().to_bytes());
        let mut bytes = appended.data().to_vec();
        bytes[..8].copy_from_slice(&9_u64.to_le_bytes());
        assert_eq!(look(&filter, &WriteBatch::from_data(&bytes)), WalRecordAction::Ignore);
        assert_eq!((log.sequence(), log.state()), (11, Some(State::default())));
        assert_eq!(look(&filter, &batch(13, 1)), WalRecordAction::Corrupted);
    }

    fn look(filter: &Gapless, batch: &WriteBatch) -> WalRecordAction {
        filter.log_record_found(1, b"1.log", batch, &mut WriteBatch::default())
    }
}
