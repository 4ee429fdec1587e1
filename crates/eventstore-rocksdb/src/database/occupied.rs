//! What lies in a directory before it is opened. RocksDB would begin a new database among the files of one that has lost its
//! `CURRENT`, and delete them; and it would put our column families into anybody's database, or beside anybody's log.

use std::{fs, io, path::Path};

use eventstore_api::{Result, StoreError};
use rust_rocksdb::{DB, Options};

use super::{frames, other_store, synced::Synced};
use crate::{
    error::{RocksDbError, corrupted, failed, io_failed},
    layout::{FORMAT, family, keys},
};

/// The manifest of a database of which nothing else is there yet. It is made before `CURRENT`, so whoever was killed between
/// the two leaves it behind; a database that has been open once has a later one.
const FIRST_MANIFEST: &str = "MANIFEST-000001";
/// What names the manifest that counts, and is there in every database.
const CURRENT: &str = "CURRENT";
/// The name that RocksDB gives to the family which it insists on.
const DEFAULT: &str = "default";

/// Says why no store can be opened or begun here, if that is so; else whether there is one.
pub(crate) fn check(path: &Path) -> Result<bool> {
    let names = match names_in(path) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(io_failed(path)(error)),
    };
    let is_named = names.iter().any(|name| name == CURRENT);
    let has_database = is_named || names.iter().any(|name| is_of_a_database(name));
    let database = if has_database { other_store::Database::Beside } else { other_store::Database::Missing };
    if let Some(refusal) = other_store::refusal(path, &names, database) {
        return Err(refusal);
    }
    if is_named {
        frames::check(path, names.iter())?;
        return check_families(path);
    }
    without_current(path, &names).map_or(Ok(false), Err)
}

/// Says so where there is no database, of which RocksDB would make a directory before it does, or none that it can read.
pub(crate) fn check_is_there(path: &Path) -> Result<()> {
    check_is_named(path)?;
    frames::check(path, names_in(path).map_err(io_failed(path))?.iter())
}

/// Says so where there is no database, and what is there instead.
pub(crate) fn check_is_named(path: &Path) -> Result<()> {
    match fs::metadata(path.join(CURRENT)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(not_there(path)),
        Err(error) => Err(io_failed(path)(error)),
    }
}

fn not_there(path: &Path) -> StoreError {
    let names = match names_in(path) {
        Ok(names) => names,
        Err(error) => return io_failed(path)(error),
    };
    let instead = without_current(path, &names)
        .or_else(|| other_store::refusal(path, &names, other_store::Database::Missing));
    instead.unwrap_or_else(|| {
        let nothing = format!("there is no RocksDB store in {}", path.display());
        StoreError::storage(io::Error::new(io::ErrorKind::NotFound, nothing))
    })
}

/// What to say of a database that has lost its `CURRENT`; `None` where nothing of one is there.
fn without_current(path: &Path, names: &[String]) -> Option<StoreError> {
    let name = names.iter().find(|name| is_of_a_database(name))?;
    Some(corrupted(path, format!("`CURRENT` is missing, but `{name}` is there")))
}

fn names_in(path: &Path) -> io::Result<Vec<String>> {
    fs::read_dir(path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

fn is_of_a_database(name: &str) -> bool {
    if name == FIRST_MANIFEST {
        return false;
    }
    let number = name.strip_suffix(".sst").or_else(|| name.strip_suffix(".log"));
    let number = number.or_else(|| name.strip_prefix("MANIFEST-"));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether all of ours are there, and nobody else's.
fn check_families(path: &Path) -> Result<bool> {
    let there = DB::list_cf(&Options::default(), path).map_err(failed(path, "list the column families"))?;
    let strange = there.iter().find(|name| *name != DEFAULT && !family::ALL.contains(&name.as_str()));
    let has_all = family::ALL.iter().all(|name| there.iter().any(|it| it == name));
    if has_all && strange.is_none() {
        return Ok(true);
    }
    let database = DB::open_cf_for_read_only(&Options::default(), path, &there, false)
        .map_err(failed(path, "look into the database"))?;
    // A later version of this crate may have other families.
    let format = database.cf_handle(family::META).map(|meta| database.get_pinned_cf(meta, keys::FORMAT));
    let format = format.transpose().map_err(failed(path, "read its format"))?.flatten();
    if let Some(found) = format.and_then(|bytes| (*bytes).try_into().ok().map(u32::from_le_bytes)) {
        let unknown = RocksDbError::UnknownFormat { path: path.to_owned(), found, known: FORMAT };
        return Err(if found == FORMAT { not_ours(path, strange) } else { StoreError::storage(unknown) });
    }
    // One that was interrupted while it began has some of ours, and nothing in them.
    if strange.is_some() || database.latest_sequence_number() > 0 {
        return Err(not_ours(path, strange));
    }
    Ok(false)
}

fn not_ours(path: &Path, strange: Option<&String>) -> StoreError {
    let detail = match strange {
        Some(name) => format!("a RocksDB database with a column family `{name}`"),
        None if matches!(Synced::read(path), Ok(Some(_))) => {
            return corrupted(
                path,
                "`SYNCED` says how far the store is durable, and column families of it are missing: restore a backup",
            );
        }
        None => "a RocksDB database without the column families of one".to_owned(),
    };
    StoreError::storage(RocksDbError::NotAnEventStore { path: path.to_owned(), detail })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_was_killed_while_it_began_begins_again() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(FIRST_MANIFEST), "cut off").unwrap();
        assert!(matches!(crate::verify(directory.path()), Err(StoreError::Storage { .. })));
        drop(crate::RocksDbBackend::open(directory.path()).unwrap());
        assert_eq!(crate::verify(directory.path()).unwrap().stats.total_events, 0);
    }
}
