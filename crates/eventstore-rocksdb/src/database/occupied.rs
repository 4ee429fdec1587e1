//! What lies in a directory before it is opened. RocksDB would begin a new database among the files of one that has lost its
//! `CURRENT`, and delete them; and it would put our column families into anybody's database.

use std::{fs, io, path::Path};

use eventstore_api::{Result, StoreError};
use rust_rocksdb::{DB, Options};

use crate::{
    error::{RocksDbError, corrupted, failed},
    layout::family,
};

/// The name that RocksDB gives to the family which it insists on.
const DEFAULT: &str = "default";

/// Says why no store can be opened or begun here, if that is so.
pub(crate) fn check(path: &Path) -> Result<()> {
    let names = match names_in(path) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(StoreError::storage(error)),
    };
    if names.iter().any(|name| name == "CURRENT") {
        return check_families(path);
    }
    match names.iter().find(|name| is_of_a_database(name)) {
        Some(name) => Err(corrupted(path, format!("`CURRENT` is missing, but `{name}` is there"))),
        None => Ok(()),
    }
}

fn names_in(path: &Path) -> io::Result<Vec<String>> {
    fs::read_dir(path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

fn is_of_a_database(name: &str) -> bool {
    name.starts_with("MANIFEST-") || name.ends_with(".sst") || name.ends_with(".log")
}

fn check_families(path: &Path) -> Result<()> {
    let there = DB::list_cf(&Options::default(), path).map_err(failed(path, "list the column families"))?;
    let strange = there.iter().find(|name| *name != DEFAULT && !family::ALL.contains(&name.as_str()));
    let not_ours = |detail: String| {
        Err(StoreError::storage(RocksDbError::NotAnEventStore { path: path.to_owned(), detail }))
    };
    if let Some(name) = strange {
        return not_ours(format!("a RocksDB database with a column family `{name}`"));
    }
    // One that was interrupted while it began has some of ours, and nothing in them.
    if family::ALL.iter().any(|name| !there.iter().any(|it| it == name)) {
        let begun = DB::open_cf_for_read_only(&Options::default(), path, &there, false)
            .map_err(failed(path, "look into the database"))?;
        if begun.latest_sequence_number() > 0 {
            return not_ours("a RocksDB database without the column families of one".to_owned());
        }
    }
    Ok(())
}
