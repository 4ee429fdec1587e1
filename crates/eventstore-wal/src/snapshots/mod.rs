//! Where the latest snapshot of every stream is kept: in a file of its own beside the log, `snapshots.log`.
//!
//! Records are appended. In memory is only where the latest record of each stream stands; the records before it are
//! garbage. When more than half of the file is garbage, and at least 1 MiB, what is not is written into another file,
//! [`ASIDE_NAME`], which takes the place and the name of the first when it is durable as a whole: the next *generation* of
//! the file. The name stays the same, the generation stands in the file's header, and in every record too: so a record
//! that is left over from another generation is never believed, and damage to the header costs nothing but the header.
//!
//! A snapshot can always be made again from its events. So damage never keeps a store from opening: what is no sound
//! record is stepped over and reported, and the record before it is the latest of its stream again.
//!
//! `docs/wal-format.md` says what stands in the file, byte by byte.
//!
//! # Opening
//!
//! All records are read. Of two of the same stream the one with the greater version counts; if the versions are equal,
//! the later one. Where no sound record stands, the next header whose checksum is right is looked for, in steps of 8.
//!
//! - What stands behind the last sound record is the end of a save that was interrupted, unless a record or the file's
//!   header says that it had been durable. It is cut off.
//! - What stands between sound records becomes a *gap*: a header is written over its beginning. It is damage if it had
//!   been durable, else a save that was interrupted while later ones in the same batch reached the disk.
//! - What is not known to be durable is written again and synced: reading it proves nothing.
//! - A damaged file header is written anew, with the generation of the first record. Where there is no record either,
//!   nothing in the file is known to be of this store: it is renamed to [`DAMAGED_NAME`], and a new one begun.

mod check;
mod contents;
mod format;
mod reader;
mod recovery;
mod rewrite;
mod scan;
#[cfg(test)]
mod tests;
mod writer;

use std::{io, sync::Arc};

use eventstore_api::{InvalidInput, Snapshot, StreamId};
use parking_lot::{Condvar, Mutex, MutexGuard};

use self::{
    contents::Contents,
    writer::{Record, Writer, failed_save},
};
use crate::{damage::Failure, disk::Disk, format::StoreId, index::Wait, log::Durability};

pub(crate) use check::check;
pub(crate) use reader::SnapshotsReader;
pub(crate) use recovery::{SnapshotReport, UnsoundBytes};

pub(crate) const FILE_NAME: &str = "snapshots.log";

/// The next generation, as long as it is not whole.
pub(crate) const ASIDE_NAME: &str = "snapshots.log.new";

/// A file that held nothing of this store.
pub(crate) const DAMAGED_NAME: &str = "snapshots.log.damaged";

/// Less garbage is not worth a rewrite, in bytes.
const LEAST_GARBAGE: u64 = 1 << 20;

/// The snapshots of a store that is open for writing. Whoever opens them holds the store's lock.
///
/// Every method waits for the disk, but for [`Snapshots::latest`] where that is not allowed, and for [`Snapshots::count`].
#[derive(Debug)]
pub(crate) struct Snapshots {
    disk: Arc<dyn Disk>,
    options: SnapshotOptions,
    contents: Contents,
    /// Held while the file is written, and while it is rewritten.
    writer: Mutex<Writer>,
    /// Told when a sync has ended.
    sync_ended: Condvar,
}

#[derive(Clone, Copy, Debug)]
struct SnapshotOptions {
    /// How much of the file is prepared at a time, in bytes.
    extent_bytes: u64,
    durability: Durability,
    /// From how much garbage on the file may be rewritten, in bytes.
    least_garbage: u64,
}

impl Snapshots {
    /// Opens the file of snapshots for writing, and recovers it; where there is none, begins one.
    ///
    /// `extent_bytes` is how much room is prepared at a time.
    ///
    /// # Errors
    ///
    /// [`Failure::Io`], and [`Failure::Damaged`] when the file is of another store or in another format. Other damage is
    /// in the report.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        store: StoreId,
        extent_bytes: u64,
        durability: Durability,
    ) -> Result<(Self, SnapshotReport), Failure> {
        Self::open_with(
            disk,
            store,
            SnapshotOptions { extent_bytes, durability, least_garbage: LEAST_GARBAGE },
        )
    }

    /// Opens the file of snapshots to look at it, while another process may write it; where there is none, there are no
    /// snapshots yet.
    ///
    /// # Errors
    ///
    /// As [`SnapshotsReader::refresh`].
    pub(crate) fn open_read_only(disk: Arc<dyn Disk>, store: StoreId) -> Result<SnapshotsReader, Failure> {
        SnapshotsReader::open(disk, store)
    }

    fn open_with(
        disk: Arc<dyn Disk>,
        store: StoreId,
        options: SnapshotOptions,
    ) -> Result<(Self, SnapshotReport), Failure> {
        let recovered = recovery::recover(&*disk, store)?;
        let writer =
            Writer::new(recovered.records.clone(), recovered.end, recovered.proven, options.least_garbage);
        let snapshots = Self {
            disk,
            options,
            contents: Contents::new(Some(recovered.records), recovered.places),
            writer: Mutex::new(writer),
            sync_ended: Condvar::new(),
        };
        Ok((snapshots, recovered.report))
    }

    /// The latest snapshot of a stream. It may be one that is being saved, and not durable yet.
    ///
    /// # Errors
    ///
    /// [`Failure::WouldWait`] only when waiting was not allowed, [`Failure::Damaged`] when the record is not what it was:
    /// whoever opens the store again finds the snapshot before it.
    pub(crate) fn latest(&self, stream: &StreamId, wait: Wait) -> Result<Option<Snapshot>, Failure> {
        self.contents.latest(stream, wait)
    }

    /// The first streams behind this one of which there is a snapshot.
    ///
    /// # Errors
    ///
    /// For a limit of zero.
    pub(crate) fn streams(
        &self,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamId>, InvalidInput> {
        self.contents.streams(after, limit)
    }

    /// Of how many streams there is a snapshot.
    pub(crate) fn count(&self) -> u64 {
        self.contents.count()
    }

    /// Saves a snapshot, unless there is one with a greater version. What was said with [`Durability::Always`] to be
    /// saved, it or that other one, is durable; in the other modes it is when [`Snapshots::flush`] has returned.
    ///
    /// Some saves rewrite the file first, and take as long as it takes to copy all snapshots.
    ///
    /// # Errors
    ///
    /// [`Failure::Io`]. After a full disk the next save may succeed. After anything else that goes wrong, nothing is known
    /// about the file: no save succeeds any more, and reads go on.
    pub(crate) fn save(&self, snapshot: &Snapshot) -> Result<(), Failure> {
        snapshot
            .validate()
            .map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))
            .map_err(failed_save)?;
        let ticket = self.write(Record::of(snapshot))?;
        match self.options.durability {
            Durability::Interval(_) | Durability::OsBuffered => Ok(()),
            // And whatever may come to be: too durable is no harm.
            _ => self.sync(ticket),
        }
    }

    /// Makes everything that was saved durable.
    ///
    /// # Errors
    ///
    /// [`Failure::Io`] when that, or a save before, goes wrong.
    pub(crate) fn flush(&self) -> Result<(), Failure> {
        let written = {
            let writer = self.writer.lock();
            writer.check_poison()?;
            writer.written
        };
        self.sync(written)
    }

    /// As [`Snapshots::flush`], when nothing more will be saved: whatever is not what was written then, is known for damage.
    ///
    /// # Errors
    ///
    /// As [`Snapshots::flush`].
    pub(crate) fn close(&self) -> Result<(), Failure> {
        self.flush()?;
        let mut writer = self.writer.lock();
        if writer.mark()? {
            let synced = writer.records.file.sync_data();
            synced.map_err(|error| writer.poison("sync", error))?;
        }
        Ok(())
    }

    /// Writes a record, and says how many saves have to be durable for it to be.
    fn write(&self, mut record: Record) -> Result<u64, Failure> {
        let mut writer = self.writer.lock();
        writer.check_poison()?;
        let held = self.contents.with_places(|places| places.get(&record.key));
        if held.is_some_and(|held| held.version > record.place.version) {
            // The greater one may not be durable yet: whoever is told that his is superseded waits for it.
            return Ok(writer.written);
        }
        self.rewrite_if_worthwhile(&mut writer)?;
        let place = writer.append(&mut record)?;
        self.contents.offer([(record.key, place)]);
        writer.prepare(self.options.extent_bytes)?;
        Ok(writer.written)
    }

    /// Waits until so many saves are durable. One of those who wait syncs for all who have written by then; the others
    /// write meanwhile, for the next one.
    fn sync(&self, ticket: u64) -> Result<(), Failure> {
        let mut writer = self.writer.lock();
        while writer.is_syncing && writer.synced < ticket {
            self.sync_ended.wait(&mut writer);
        }
        if writer.synced >= ticket {
            return Ok(());
        }
        writer.check_poison()?;
        let (records, end, written) = (writer.records.clone(), writer.end, writer.written);
        writer.is_syncing = true;
        let synced = MutexGuard::unlocked(&mut writer, || records.file.sync_data());
        writer.is_syncing = false;
        self.sync_ended.notify_all();
        match synced {
            Ok(()) => {
                writer.synced = writer.synced.max(written);
                if writer.records.generation == records.generation {
                    writer.synced_through = writer.synced_through.max(end);
                }
                Ok(())
            }
            // A rewrite has made it durable in another file.
            Err(_) if writer.synced >= ticket => Ok(()),
            Err(error) => Err(writer.poison("sync", error)),
        }
    }
}
