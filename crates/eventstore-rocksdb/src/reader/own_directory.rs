//! The directory for the notes that RocksDB keeps of a secondary instance, below the system's one for temporary files.
//!
//! A process that is killed leaves its directory behind, and nobody comes back for it. So each has a file in it that is locked while
//! it is used, and whoever makes a directory removes those whose file is there and free. The file gets its name when it is
//! locked already: a directory that has just been made has none yet, and is left alone. Where a process is killed just then, or the
//! file system has no locks, it is left for ever.

use std::{
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io,
    path::Path,
    sync::Arc,
};

use eventstore_api::{Result, StoreError};
use tempfile::TempDir;

use crate::error::RocksDbError;

const PREFIX: &str = "eventstore-rocksdb-reader-";
/// What is locked. RocksDB has no file of this name.
const LOCK: &str = "IN_USE";
/// The same before it is.
const NOT_LOCKED_YET: &str = "IN_USE.new";

/// A directory of this process, which goes when it is dropped.
#[derive(Debug)]
pub(super) struct OwnDirectory {
    directory: TempDir,
    /// Let go of when the directory is gone. `None` where it cannot be locked.
    _lock: Option<File>,
}

impl OwnDirectory {
    /// A new one where the system has its temporary files, from where those go that others have left behind.
    pub(super) fn make() -> Result<Self> {
        let above = std::env::temp_dir();
        // Of a `TMPDIR` that is empty it would be the directory in which the program runs.
        Self::make_in(if above.as_os_str().is_empty() { Path::new("/tmp") } else { &above })
    }

    fn make_in(above: &Path) -> Result<Self> {
        let directory = TempDir::with_prefix_in(PREFIX, above).map_err(|error| {
            let (path, source) = (above.to_owned(), Arc::new(error));
            StoreError::storage(RocksDbError::NoTemporaryFolder { path, source })
        })?;
        let lock = lock(directory.path());
        if let Err(error) = &lock {
            tracing::debug!(%error, "a reader's own directory cannot be locked, and stays if this process is killed");
        }
        if let Err(error) = remove_left_behind(above, directory.path()) {
            tracing::debug!(%error, "it cannot be seen what other readers have left behind");
        }
        Ok(Self { directory, _lock: lock.ok() })
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }
}

fn lock(directory: &Path) -> io::Result<File> {
    let not_locked_yet = directory.join(NOT_LOCKED_YET);
    let file = File::create_new(&not_locked_yet)?;
    file.try_lock()?;
    fs::rename(not_locked_yet, directory.join(LOCK))?;
    Ok(file)
}

/// Removes what others have left behind there, as far as it can be; `own` tells who we are.
fn remove_left_behind(above: &Path, own: &Path) -> io::Result<()> {
    let ours = fs::symlink_metadata(own)?;
    for entry in fs::read_dir(above)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let path = entry.path();
        if let Err(error) = remove_if_left_behind(&path, &ours) {
            tracing::debug!(%error, path = %path.display(), "what a reader has left behind stays");
        }
    }
    Ok(())
}

fn remove_if_left_behind(directory: &Path, ours: &Metadata) -> io::Result<()> {
    // Everybody may put something there: a link would lead us to delete what is elsewhere. What is ours, nobody else can put
    // another thing in the place of meanwhile.
    let found = fs::symlink_metadata(directory)?;
    if !found.is_dir() || !is_of_one_user(&found, ours) {
        return Ok(());
    }
    let lock = directory.join(LOCK);
    match fs::symlink_metadata(&lock) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    // Held until the directory is gone: of two who clean, one does.
    let file = OpenOptions::new().read(true).write(true).open(lock)?;
    match file.try_lock() {
        Ok(()) => fs::remove_dir_all(directory),
        Err(TryLockError::WouldBlock) => Ok(()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(unix)]
fn is_of_one_user(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    one.uid() == other.uid()
}

/// Elsewhere each user has temporary files of his own.
#[cfg(not(unix))]
fn is_of_one_user(_: &Metadata, _: &Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use std::{error::Error, path::PathBuf};

    use super::*;

    /// A directory as one who was killed has left it.
    fn left_behind(above: &Path, letters: &str) -> PathBuf {
        let directory = above.join(format!("{PREFIX}{letters}"));
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("LOG"), "what RocksDB tells").unwrap();
        fs::write(directory.join(LOCK), "").unwrap();
        directory
    }

    #[test]
    fn what_is_left_behind_goes_with_the_next_one() {
        let above = tempfile::tempdir().unwrap();
        let left = [left_behind(above.path(), "a"), left_behind(above.path(), "b")];
        let own = OwnDirectory::make_in(above.path()).unwrap();
        assert!(left.iter().all(|directory| !directory.exists()));
        assert!(own.path().join(LOCK).is_file());
        drop(own);
        assert_eq!(fs::read_dir(above.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_used_stays_until_it_is_not() {
        let above = tempfile::tempdir().unwrap();
        let held = left_behind(above.path(), "a");
        let lock = File::open(held.join(LOCK)).unwrap();
        lock.try_lock().unwrap();
        let first = OwnDirectory::make_in(above.path()).unwrap();
        let second = OwnDirectory::make_in(above.path()).unwrap();
        assert!(held.join("LOG").exists() && first.path().exists() && second.path().exists());
        drop(lock);
        OwnDirectory::make_in(above.path()).unwrap();
        assert!(!held.exists() && first.path().exists());
    }

    #[test]
    fn what_is_being_made_stays_and_so_does_what_is_called_otherwise() {
        let above = tempfile::tempdir().unwrap();
        let being_made = left_behind(above.path(), "a");
        fs::rename(being_made.join(LOCK), being_made.join(NOT_LOCKED_YET)).unwrap();
        let somebodys = above.path().join("eventstore-rocksdb");
        fs::create_dir(&somebodys).unwrap();
        fs::write(somebodys.join(LOCK), "").unwrap();
        let file = above.path().join(format!("{PREFIX}file"));
        fs::write(&file, "no directory").unwrap();
        OwnDirectory::make_in(above.path()).unwrap();
        assert!(being_made.exists() && somebodys.exists() && file.exists());
    }

    #[cfg(unix)]
    #[test]
    fn no_link_leads_elsewhere() {
        use std::os::unix::fs::symlink;

        let (above, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let trap = left_behind(elsewhere.path(), "a");
        symlink(&trap, above.path().join(format!("{PREFIX}b"))).unwrap();
        let with_a_link = left_behind(above.path(), "c");
        fs::remove_file(with_a_link.join(LOCK)).unwrap();
        symlink(trap.join(LOCK), with_a_link.join(LOCK)).unwrap();
        OwnDirectory::make_in(above.path()).unwrap();
        assert!(trap.join("LOG").exists() && trap.join(LOCK).exists() && with_a_link.exists());
    }

    #[test]
    fn where_none_can_be_made_it_is_said_what_is_missing() {
        let above = tempfile::tempdir().unwrap();
        let missing = above.path().join("missing");
        let error = OwnDirectory::make_in(&missing).unwrap_err();
        let cause = error.source().and_then(|source| source.downcast_ref());
        let is_told = matches!(cause, Some(RocksDbError::NoTemporaryFolder { path, .. }) if *path == missing);
        assert!(is_told, "{error:?}");
    }
}
