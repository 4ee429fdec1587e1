use std::{
    fs::{self, File},
    io,
    path::Path,
};

use eventstore_api::{GlobalPosition, Result, StoreError};
use rust_rocksdb::checkpoint::Checkpoint;

use crate::{
    database::{Database, check_is_named},
    error::{failed, io_failed},
    verify::{VerifyReport, verify},
};

/// Makes a copy of a database, which holds all up to this position, in a directory that is not there yet.
///
/// It is made aside, in a directory that nobody else has: RocksDB empties the one in which it prepares a copy, whatever is in it.
pub(crate) fn back_up(database: &Database, head: GlobalPosition, path: &Path) -> Result<()> {
    let refuse = |error: io::Error| io_failed(path)(error);
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A dangling link is in the way, too.
    if path.symlink_metadata().is_ok() {
        return Err(refuse(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "it is there already; choose another directory",
        )));
    }
    let aside = tempfile::Builder::new().prefix(".eventstore-backup-").tempdir_in(parent).map_err(refuse)?;
    let copy = aside.path().join("copy");
    let durable = database.written(head);
    let doing = format!("make {} a copy of the store", path.display());
    let failed = failed(database.path(), &doing);
    let checkpoint = Checkpoint::new(database.raw()).map_err(&failed)?;
    checkpoint.create_checkpoint(&copy).map_err(&failed)?;
    // So that a copy that is cut off later is noticed.
    durable.write(&copy).and_then(|()| sync_directory(&copy)).map_err(refuse)?;
    // Where another has been faster, his is not replaced: it is not empty.
    fs::rename(&copy, path).and_then(|()| sync_directory(parent)).map_err(refuse)
}

/// Makes a store of a [backup](crate::RocksDbBackend::backup_to) in a directory that is empty or not there yet, and
/// [verifies](crate::verify()) it; says what it holds.
///
/// Every file is copied, so that the backup stays as it is whatever becomes of the store: nobody may be writing to it
/// meanwhile. What was begun is taken away again where something fails, or the copy is damaged.
///
/// It takes as long as reading and writing all of it, so it has no place on a thread of a runtime.
///
/// # Errors
///
/// [`StoreError::Corrupted`] when the backup is damaged, [`StoreError::Storage`] when `path` holds something already, or the
/// disk fails.
///
/// ```
/// use eventstore_rocksdb::{RocksDbBackend, restore};
///
/// # let directory = tempfile::tempdir()?;
/// # let (path, monday, anew) =
/// #     (directory.path().join("store"), directory.path().join("monday"), directory.path().join("anew"));
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(RocksDbBackend::open(path)?.backup_to(&monday))?;
/// let report = restore(&monday, &anew)?;
/// let store = RocksDbBackend::open(&anew)?;
/// # assert_eq!(report.stats.total_events, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn restore(backup: impl AsRef<Path>, path: impl AsRef<Path>) -> Result<VerifyReport> {
    let (backup, path) = (backup.as_ref(), path.as_ref());
    check_is_named(backup)?;
    let was_there = path.try_exists().map_err(io_failed(path))?;
    if was_there && fs::read_dir(path).map_err(io_failed(path))?.next().is_some() {
        let occupied = io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("{} holds something already; restore into an empty directory", path.display()),
        );
        return Err(StoreError::storage(occupied));
    }
    let verified = copy(backup, path).map_err(io_failed(path)).and_then(|()| verify(path));
    if verified.is_err() {
        // That failure is what is to be told, and not what comes of taking away what was begun.
        let _ = fs::remove_dir_all(path);
        if was_there {
            let _ = fs::create_dir(path);
        }
    }
    verified
}

/// Copies the files of a database, the one that names the others last, so that half a copy is no store.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let mut names = Vec::new();
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        // RocksDB's lock, and what it tells about itself.
        let name = entry.file_name();
        let is_no_part = name == "LOCK" || name.to_string_lossy().starts_with("LOG");
        if entry.file_type()?.is_file() && !is_no_part {
            names.push(name);
        }
    }
    names.sort_by_key(|name| name == "CURRENT");
    for name in names {
        let copy = to.join(&name);
        fs::copy(from.join(&name), &copy)?;
        File::open(&copy)?.sync_all()?;
    }
    sync_directory(to)?;
    to.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or(Ok(()), sync_directory)
}

/// The names in a directory are durable only when it is synced itself.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}
