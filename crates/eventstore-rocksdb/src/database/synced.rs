//! `SYNCED`, a file beside those of the database: how far the store is durable, written over in place after every sync and never
//! synced itself.
//!
//! RocksDB takes a log, or a manifest, that ends too early for one that was being written when the power went, and goes on with
//! less. What this file says is true whenever it can be read, also when it is old: so whoever opens the store knows better.
//! What stands in it: `layout/synced.rs`.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use eventstore_api::{Result, StoreError};

use crate::error::{RocksDbError, corrupted, io_failed};
pub(crate) use crate::layout::synced::Synced;

pub(crate) const NAME: &str = "SYNCED";
/// More than what is noted there takes, in bytes: a longer one is none of ours.
const MOST: u64 = 1_024;

impl Synced {
    /// What is said in this directory; `None` where nothing is that makes sense.
    pub(crate) fn read(directory: &Path) -> Result<Option<Self>> {
        match beginning_of(&directory.join(NAME)) {
            Ok(bytes) => Ok(Self::from_bytes(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_failed(directory)(error)),
        }
    }

    /// Says so in a directory where nobody has the file open.
    pub(crate) fn write(self, directory: &Path) -> io::Result<()> {
        let mut file = File::create(directory.join(NAME))?;
        file.write_all(&self.to_bytes())?;
        file.sync_all()
    }

    /// Refuses a store that ends before what was durable.
    pub(crate) fn check(self, directory: &Path, found: Self) -> Result<()> {
        if found.head >= self.head && found.sequence >= self.sequence {
            return Ok(());
        }
        Err(corrupted(
            directory,
            format!(
                "events up to position {} (write {}) were durable, and the store ends at {} (write {}): a file was cut off or is \
                 gone. Restore a backup, or go on without what is lost by `Recovery::UpToDamage`",
                self.head, self.sequence, found.head, found.sequence
            ),
        ))
    }
}

/// The first bytes of a file, and no more of one that goes on for ever. What is no file may never answer.
fn beginning_of(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The file, in the hands of the one who writes the store: locked, so that a second one is refused before he looks at anything.
#[derive(Debug)]
pub(crate) struct SyncedFile {
    file: File,
    /// Whether the last note could not be made: said once, and not with every append.
    has_failed: AtomicBool,
}

impl SyncedFile {
    /// Takes it, where there is one.
    pub(crate) fn take(directory: &Path) -> Result<Option<Self>> {
        match OpenOptions::new().read(true).write(true).open(directory.join(NAME)) {
            Ok(file) => Self::of(file, directory).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_failed(directory)(error)),
        }
    }

    /// Makes one that says nothing yet, where there is none.
    pub(crate) fn begin(directory: &Path) -> Result<Self> {
        let path = directory.join(NAME);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        Self::of(opened.map_err(io_failed(directory))?, directory)
    }

    /// Says that everything up to here is durable. What was said before stays true, so where it cannot be said, no harm is done.
    pub(crate) fn note(&self, synced: Synced) {
        let mut file = &self.file;
        let noted = file.rewind().and_then(|()| file.write_all(&synced.to_bytes()));
        let has_failed_before = self.has_failed.swap(noted.is_err(), Ordering::Relaxed);
        if let (Err(error), false) = (noted, has_failed_before) {
            tracing::warn!(%error, "it cannot be noted how far the store is durable");
        }
    }

    /// A file system without locks has RocksDB's own.
    fn of(file: File, directory: &Path) -> Result<Self> {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                Err(StoreError::unavailable(RocksDbError::InUse { path: directory.to_owned() }))
            }
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self { file, has_failed: AtomicBool::new(false) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use eventstore_api::GlobalPosition;

    use super::*;

    fn synced(head: u64, sequence: u64) -> Synced {
        Synced { head: GlobalPosition::new(head), sequence }
    }

    #[test]
    fn what_was_noted_last_is_read() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Synced::read(directory.path()).unwrap(), None);
        let file = SyncedFile::begin(directory.path()).unwrap();
        assert_eq!(Synced::read(directory.path()).unwrap(), None);
        for said in [synced(1, 9), synced(2, u64::MAX)] {
            file.note(said);
            assert_eq!(Synced::read(directory.path()).unwrap(), Some(said));
        }
        drop(file);
        assert!(SyncedFile::take(directory.path()).unwrap().is_some());
    }

    #[test]
    #[cfg(unix)]
    fn what_is_no_note_is_not_read_to_its_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(NAME);
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(Synced::read(directory.path()).unwrap(), None);
        fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let error = Synced::read(directory.path()).unwrap_err();
        assert!(matches!(error, StoreError::Storage { .. }), "{error:?}");
    }

    #[test]
    fn it_is_in_one_hand() {
        let directory = tempfile::tempdir().unwrap();
        let file = SyncedFile::begin(directory.path()).unwrap();
        for second in
            [SyncedFile::take(directory.path()).map(drop), SyncedFile::begin(directory.path()).map(drop)]
        {
            assert!(matches!(second, Err(StoreError::Unavailable { .. })), "{second:?}");
        }
        drop(file);
        SyncedFile::begin(directory.path()).unwrap();
    }

    #[test]
    fn a_store_may_go_further_and_not_less_far() {
        let here = Path::new("here");
        assert!(synced(7, 70).check(here, synced(7, 70)).is_ok());
        assert!(synced(7, 70).check(here, synced(8, 71)).is_ok());
        for less in [synced(6, 70), synced(7, 69)] {
            assert!(matches!(synced(7, 70).check(here, less), Err(StoreError::Corrupted { .. })));
        }
    }
}
