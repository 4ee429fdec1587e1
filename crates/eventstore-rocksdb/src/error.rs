use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use eventstore_api::StoreError;
use rust_rocksdb::ErrorKind;

/// What is behind a [`StoreError`] of a store on RocksDB, as its source.
///
/// ```
/// use std::error::Error;
///
/// use eventstore_api::StoreError;
/// use eventstore_rocksdb::{RocksDbBackend, RocksDbError};
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path();
/// let store = RocksDbBackend::open(path)?;
/// let second = RocksDbBackend::open(path).unwrap_err();
/// assert!(matches!(second, StoreError::Unavailable { .. }));
/// let cause = second.source().and_then(|source| source.downcast_ref());
/// assert!(matches!(cause, Some(RocksDbError::InUse { .. })));
/// # Ok::<(), Box<dyn Error>>(())
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RocksDbError {
    /// RocksDB could not do something.
    #[error("RocksDB could not {doing}")]
    Failed {
        /// What it was to do.
        doing: String,
        /// Why it could not.
        source: Cause,
    },
    /// Another has the store open. A [`RocksDbReader`](crate::RocksDbReader) can look at it.
    #[error(
        "{} is open already, in this process or another; close it there, or open it read-only to look at it meanwhile",
        path.display()
    )]
    InUse {
        /// Its directory.
        path: PathBuf,
    },
    /// What is in the directory is no event store.
    #[error("{} holds something else than an event store: {detail}; choose another directory", path.display())]
    NotAnEventStore {
        /// The directory.
        path: PathBuf,
        /// What is there.
        detail: String,
    },
    /// In the directory is the log of another event store, as `eventstore-wal` has it, and no database.
    #[error(
        "{} holds the log of another event store, which `{file}` belongs to, and no RocksDB database: open it with the store that \
         wrote it, or choose another directory",
        path.display()
    )]
    LogInstead {
        /// The directory.
        path: PathBuf,
        /// A file of the log.
        file: String,
    },
    /// In the directory is the log of another event store beside the database, and both have a file `SYNCED`. Nothing keeps
    /// readers from either.
    #[error(
        "{} holds a RocksDB database and the log of another event store, which `{file}` belongs to: each of them writes over what \
         the other says in `SYNCED`. Move the files of one of them into a directory of its own; both can be read where they are",
        path.display()
    )]
    LogBeside {
        /// The directory.
        path: PathBuf,
        /// A file of the log.
        file: String,
    },
    /// A later version of this crate has written the store.
    #[error(
        "{} is of format {found}, and this version knows formats up to {known}; open it with a later version",
        path.display()
    )]
    UnknownFormat {
        /// The directory of the store.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The latest format that is known here.
        known: u32,
    },
    /// The disk is too full to go on safely.
    #[error(
        "{free} bytes are free where {} lies, and {needed} are needed: the append, and what is in memory already; make room and try again",
        path.display()
    )]
    NoSpace {
        /// The directory of the store.
        path: PathBuf,
        /// How much is free, in bytes.
        free: u64,
        /// How much there has to be, in bytes.
        needed: u64,
    },
    /// No directory can be made for what RocksDB notes of a reader. The store itself has not been looked at.
    #[error(
        "cannot make a folder for temporary files in {}, which a reader needs; set TMPDIR to one that is there and may be written",
        path.display()
    )]
    NoTemporaryFolder {
        /// Where the system has its temporary files.
        path: PathBuf,
        /// Why it cannot be made.
        source: Arc<io::Error>,
    },
    /// A write, a sync, or work in the background has failed, and the store writes no more.
    #[error("the store takes nothing more since it could not write; open it again, which recovers it")]
    GaveUp {
        /// What has failed.
        source: Cause,
    },
}

/// What RocksDB says, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Cause(pub(crate) String);

/// What to say where RocksDB fails at something.
pub(crate) fn failed<'p>(
    path: &'p Path,
    doing: &'p str,
) -> impl Fn(rust_rocksdb::Error) -> StoreError + use<'p> {
    move |error| match error.kind() {
        ErrorKind::Corruption => corrupted(path, error.into_string()),
        // It looks only for files that it has named itself.
        ErrorKind::IOError if error.as_ref().contains("No such file or directory") => {
            corrupted(path, format!("a file is missing: {}", error.into_string()))
        }
        _ => {
            let source = Cause(error.into_string());
            StoreError::storage(RocksDbError::Failed {
                doing: format!("{doing} in {}", path.display()),
                source,
            })
        }
    }
}

/// What to say where the store has given up: what is damaged is so after opening it again too.
pub(crate) fn gave_up(path: &Path, source: Cause) -> StoreError {
    match source.0.starts_with("Corruption") {
        true => corrupted(path, source.0),
        false => StoreError::storage(RocksDbError::GaveUp { source }),
    }
}

/// What to say where the system fails at something in this directory.
pub(crate) fn io_failed(path: &Path) -> impl Fn(io::Error) -> StoreError + use<'_> {
    move |error| StoreError::storage(io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// What stands in the database is not what was written.
pub(crate) fn corrupted(path: &Path, detail: impl Into<String>) -> StoreError {
    StoreError::Corrupted {
        place: format!("the RocksDB database in {}", path.display()),
        detail: detail.into(),
    }
}
