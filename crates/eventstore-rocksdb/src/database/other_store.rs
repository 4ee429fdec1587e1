//! The log of another store in the directory of a database, or where one is to begin: that of `eventstore-wal`, by the names and
//! the bytes that `docs/wal-format.md` gives it.
//!
//! Of the names that both have, `SYNCED` is the one that costs events: each writes there how far it is durable, in a form of
//! its own, and takes what the other has written for nothing. The evidence that acknowledged events are missing would be gone
//! with that. So no database is begun where a log is, and where an earlier version has begun one there, neither of the two is
//! opened for writing. To look at either changes nothing, and is what it takes to save its events: that is never refused for
//! the other's sake.

use std::{fs::File, io::Read, path::Path};

use eventstore_api::StoreError;

use crate::error::RocksDbError;

const MANIFEST: &str = "MANIFEST";
/// With what the manifest of a log begins: others have files of that name too.
const MAGIC: [u8; 8] = *b"EVWALMAN";
/// The digits of a position, with which a segment begins and by which it is named.
const DIGITS: usize = 20;

/// Whether there is a database where a log was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Database {
    Beside,
    Missing,
}

/// What to say of a log among the files with these names; `None` where there is none.
pub(super) fn refusal(path: &Path, names: &[String], database: Database) -> Option<StoreError> {
    let file = names.iter().find(|name| is_of_a_log(path, name))?.clone();
    let path = path.to_owned();
    Some(StoreError::storage(match database {
        Database::Beside => RocksDbError::LogBeside { path, file },
        Database::Missing => RocksDbError::LogInstead { path, file },
    }))
}

/// A log that has lost its manifest has segments, and one that has just begun has nothing else than a manifest.
fn is_of_a_log(path: &Path, name: &str) -> bool {
    if name == MANIFEST {
        return begins_as_the_manifest_of_a_log(&path.join(name));
    }
    let start = name.strip_suffix(".wal");
    start.is_some_and(|start| start.len() == DIGITS && start.bytes().all(|byte| byte.is_ascii_digit()))
}

/// One that cannot be read says nothing: where there are events, the names of segments do.
fn begins_as_the_manifest_of_a_log(file: &Path) -> bool {
    let mut first = [0; MAGIC.len()];
    File::open(file).and_then(|mut file| file.read_exact(&mut first)).is_ok() && first == MAGIC
}
