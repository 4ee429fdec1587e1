//! The RocksDB database of a store, and what is done with it once it is [open](opening).

mod frames;
mod gapless;
mod listener;
mod occupied;
mod opening;
mod options;
mod other_store;
mod synced;

use std::path::{Path, PathBuf};

use eventstore_api::{GlobalPosition, Result, StoreError};
use rust_rocksdb::{
    ColumnFamily, DB, DBPinnableSlice, DBRawIteratorWithThreadMode, FlushOptions, ReadOptions, WriteBatch,
    WriteOptions,
};

use self::synced::SyncedFile;
pub(crate) use self::{
    listener::{GivenUp, is_stop_for_want_of_room, is_want_of_room},
    occupied::check_is_named,
    synced::Synced,
};
use crate::{
    error::{corrupted, failed},
    layout::{family, keys, state::State},
};

/// An iterator as RocksDB has it: it stands on a key, or on none.
pub(crate) type Iter<'d> = DBRawIteratorWithThreadMode<'d, DB>;

/// A store's database.
pub(crate) struct Database {
    db: DB,
    path: PathBuf,
    /// In the hands of the one who writes, until the database is closed.
    synced: Option<SyncedFile>,
}

/// Whether a write waits for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sync {
    Waited,
    Left,
}

/// Whether what is read stays in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caching {
    /// It is likely to be read again.
    Kept,
    /// It is one of many, read once: it would push out what is.
    Spared,
}

impl Database {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The database itself, for what only `backup` and `verify` do.
    pub(crate) fn raw(&self) -> &DB {
        &self.db
    }

    /// What the store says of itself.
    pub(crate) fn state(&self) -> Result<State> {
        let Some(bytes) = self.get(family::META, keys::STATE)? else { return Ok(State::default()) };
        State::from_bytes(&bytes)
            .ok_or_else(|| self.corrupted("the counts of the store have another length than counts"))
    }

    /// The position of the last event that is there.
    pub(crate) fn last_position(&self) -> Result<GlobalPosition> {
        let mut last = self.iter(family::EVENTS, Caching::Kept)?;
        last.seek_to_last();
        match self.key(&last)? {
            None => Ok(GlobalPosition::START),
            Some(key) => {
                keys::position(key).ok_or_else(|| self.corrupted("the key of an event is no position"))
            }
        }
    }

    pub(crate) fn get(&self, family: &'static str, key: &[u8]) -> Result<Option<DBPinnableSlice<'_>>> {
        self.db.get_pinned_cf(self.family(family)?, key).map_err(failed(&self.path, "read a key"))
    }

    /// The values of these keys, which rise.
    pub(crate) fn get_many<'k, K: AsRef<[u8]> + 'k>(
        &self,
        family: &'static str,
        keys: impl IntoIterator<Item = &'k K>,
    ) -> Result<Vec<Option<DBPinnableSlice<'_>>>> {
        let values =
            self.db.batched_multi_get_cf_opt(self.family(family)?, keys, true, &ReadOptions::default());
        values.into_iter().map(|value| value.map_err(failed(&self.path, "read keys"))).collect()
    }

    /// An iterator over all of a family.
    pub(crate) fn iter(&self, family: &'static str, caching: Caching) -> Result<Iter<'_>> {
        let mut options = ReadOptions::default();
        options.fill_cache(caching == Caching::Kept);
        // The families with prefixes are walked from one to the next here.
        options.set_total_order_seek(true);
        Ok(self.db.raw_iterator_cf_opt(self.family(family)?, options))
    }

    /// An iterator over the keys of one name, in a family whose keys have some: files without this name are not read.
    pub(crate) fn iter_name(&self, family: &'static str) -> Result<Iter<'_>> {
        let mut options = ReadOptions::default();
        options.set_prefix_same_as_start(true);
        Ok(self.db.raw_iterator_cf_opt(self.family(family)?, options))
    }

    /// The key that an iterator stands on; an error when it could not go there.
    pub(crate) fn key<'i>(&self, iter: &'i Iter<'_>) -> Result<Option<&'i [u8]>> {
        match iter.key() {
            Some(key) => Ok(Some(key)),
            None => iter.status().map(|()| None).map_err(failed(&self.path, "read on")),
        }
    }

    /// The key and value that an iterator stands on; an error when it could not go there.
    pub(crate) fn item<'i>(&self, iter: &'i Iter<'_>) -> Result<Option<(&'i [u8], &'i [u8])>> {
        match iter.item() {
            Some(item) => Ok(Some(item)),
            None => iter.status().map(|()| None).map_err(failed(&self.path, "read on")),
        }
    }

    /// Writes all of it or nothing. After an error, nobody knows which.
    pub(crate) fn write(&self, batch: &WriteBatch, sync: Sync) -> Result<(), rust_rocksdb::Error> {
        let mut options = WriteOptions::default();
        options.set_sync(sync == Sync::Waited);
        self.db.write_opt(batch, &options)
    }

    /// Has RocksDB go on, which had stopped for want of room: it writes out what is in memory.
    pub(crate) fn resume(&self) -> Result<(), rust_rocksdb::Error> {
        self.db.resume()
    }

    /// Notes that everything written by now is durable, up to this position.
    pub(crate) fn note_synced(&self, head: GlobalPosition) {
        if let Some(synced) = &self.synced {
            synced.note(self.written(head));
        }
    }

    /// How far it is written, where its last event is at this position.
    pub(crate) fn written(&self, head: GlobalPosition) -> Synced {
        Synced { head, sequence: self.db.latest_sequence_number() }
    }

    /// Whether it ends where it says that it ends, and not before what was durable when it was opened.
    pub(crate) fn check_ends(&self, durable: Option<Synced>) -> Result<()> {
        let (state, last) = (self.state()?, self.last_position()?);
        if let Some(durable) = durable {
            durable.check(&self.path, self.written(last))?;
        }
        if state.counts.head == last {
            return Ok(());
        }
        let says = state.counts.head;
        Err(self.corrupted(format!(
            "the store says that its last event is at {says}, and {last} is the last one"
        )))
    }

    /// Makes everything durable that was written.
    pub(crate) fn sync(&self) -> Result<(), rust_rocksdb::Error> {
        self.db.flush_wal(true)
    }

    /// Puts into files what is in memory, so that opening has no log to go through.
    pub(crate) fn flush_memory(&self) -> Result<()> {
        self.try_flush_memory()?.map_err(failed(&self.path, "write out what is in memory"))
    }

    /// The same; within, what RocksDB says.
    pub(crate) fn try_flush_memory(&self) -> Result<Result<(), rust_rocksdb::Error>> {
        let families = family::ALL.into_iter().map(|name| self.family(name)).collect::<Result<Vec<_>>>()?;
        let mut options = FlushOptions::default();
        options.set_wait(true);
        Ok(self.db.flush_cfs_opt(&families, &options))
    }

    pub(crate) fn family(&self, name: &'static str) -> Result<&ColumnFamily> {
        self.db.cf_handle(name).ok_or_else(|| self.corrupted(format!("there is no column family `{name}`")))
    }

    pub(crate) fn corrupted(&self, detail: impl Into<String>) -> StoreError {
        corrupted(&self.path, detail)
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("path", &self.path).finish_non_exhaustive()
    }
}
