//! A RocksDB database in the directory of a store, or where one is to begin: that of `eventstore-rocksdb`, or anybody's.
//!
//! Of the names that both have, `SYNCED` is the one that costs events: each writes there how far it is durable, in a form of
//! its own, and takes what the other has written for nothing. The evidence that acknowledged events are missing would be gone
//! with that. So nothing is begun in the directory of a database, and where an earlier version has begun a store there, neither of
//! the two is opened for writing. To look at either changes nothing, and is what it takes to save its events: that is
//! never refused for the other's sake.

use crate::{damage::Failure, disk::Disk, format::MANIFEST_NAME, index::SegmentStart};

/// What keeps a store out of a directory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OtherStore {
    #[error(
        "there is a RocksDB database here, which {file} belongs to, and no log: open it with the store that wrote it, or name \
         another directory"
    )]
    Instead { file: String },
    #[error(
        "there is a RocksDB database beside the log, which {file} belongs to: each of them writes over what the other says in \
         `SYNCED`. Move the files of one of them into a directory of its own; both can be read where they are"
    )]
    Beside { file: String },
}

/// Refuses a directory in which there is a database, whether there is a log beside it or not. Nothing is changed by that.
pub(crate) fn check(disk: &dyn Disk) -> Result<(), Failure> {
    let names = disk.names().map_err(Failure::io(|| "cannot list the directory of the store".to_owned()))?;
    let Some(name) = names.iter().find(|name| is_of_a_database(name)) else { return Ok(()) };
    let file = disk.describe(name);
    let has_log = names.iter().any(|name| name == MANIFEST_NAME || SegmentStart::parse(name).is_some());
    let other = if has_log { OtherStore::Beside { file } } else { OtherStore::Instead { file } };
    Err(other.into())
}

/// Whether a file is a manifest of RocksDB's, which has a number. Every database has one, from the moment at which it begins,
/// also when it has lost `CURRENT`; whatever else is in one (`CURRENT`, `LOCK`, `000012.sst`) may be anybody's.
fn is_of_a_database(name: &str) -> bool {
    let number = name.strip_prefix("MANIFEST-");
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::is_of_a_database;

    #[test]
    fn a_database_is_known_by_a_manifest_with_a_number() {
        for name in ["MANIFEST-000001", "MANIFEST-000012", "MANIFEST-1234567"] {
            assert!(is_of_a_database(name), "{name}");
        }
        for name in
            ["MANIFEST", "MANIFEST.new", "MANIFEST-", "MANIFEST-00001a", "MANIFEST-000001.old", "CURRENT"]
        {
            assert!(!is_of_a_database(name), "{name}");
        }
    }
}
