//! The stores whose processes are killed: what is said of one here, the rest of the program does not know.

#[cfg(feature = "rocksdb")]
mod rocksdb;
mod wal;

use std::{
    fs, io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use clap::ValueEnum;
use eventstore_api::EventStoreBackend;
use eventstore_wal::Durability;

use crate::arguments::Write;

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Which {
    /// `WalBackend`, every other one archiving
    Wal,
    /// `RocksDbBackend` with little memory, every other one copied meanwhile; built with `--release --features rocksdb`
    Rocksdb,
}

impl Which {
    pub(crate) fn store(self) -> Result<&'static dyn Store, String> {
        match self {
            Self::Wal => Ok(&wal::Wal),
            #[cfg(feature = "rocksdb")]
            Self::Rocksdb => Ok(&rocksdb::Rocksdb),
            #[cfg(not(feature = "rocksdb"))]
            Self::Rocksdb => Err(
                "this program was built without RocksDB; `cargo xtask kill --store rocksdb` builds it with, \
                as `cargo run --release -p eventstore-torture --features rocksdb --bin kill` does"
                    .to_owned(),
            ),
        }
    }

    /// As it is given on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wal => "wal",
            Self::Rocksdb => "rocksdb",
        }
    }
}

/// What each store does in its own way.
pub(crate) trait Store: Sync {
    /// The store of a life. A process that is killed takes nothing with it that the system has, so every mode must keep what
    /// it acknowledged.
    fn open(&self, life: &Write) -> Result<Opened, String>;

    /// How the names of the files end that appends are written to, of which the last by name is the newest.
    fn log_ending(&self) -> &'static str;

    /// What is seen of a process that has just been killed, and worth telling.
    fn left_by_a_kill(&self, directory: &Path) -> io::Result<Counts>;

    /// Looks at everything once more, when the store was checked and closed.
    fn look_through(&self, directory: &Path) -> Result<Counts, String>;

    /// What is worth telling of a directory when nothing more is done with it.
    fn left_in_the_end(&self, directory: &Path) -> io::Result<Counts>;
}

/// What was counted, each with what it is.
pub(crate) type Counts = Vec<(&'static str, u64)>;

/// What goes on beside the appends until the process is killed.
pub(crate) type Meanwhile = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// A store that is open.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn EventStoreBackend>,
    pub(crate) meanwhile: Option<Meanwhile>,
}

/// Whether something is done beside the appends in this life: in every other one, so that what is left half done is found by
/// one that goes on with it and by one that does not.
fn does_something_meanwhile(life: &Write) -> bool {
    (life.seed ^ u64::from(life.life)).is_multiple_of(2)
}

fn durability(life: &Write) -> Durability {
    match (life.seed ^ u64::from(life.life)) / 2 % 4 {
        0 => Durability::OsBuffered,
        1 => Durability::Interval(Duration::from_millis(2)),
        _ => Durability::Always,
    }
}

/// How many files there are whose names end so.
fn files_called(directory: &Path, extension: &str) -> io::Result<u64> {
    Ok(files(directory)?.iter().filter(|path| path.extension().is_some_and(|it| it == extension)).count()
        as u64)
}

fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(directory)?.map(|file| Ok(file?.path())).collect()
}
