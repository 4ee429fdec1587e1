//! What a store says of itself is lost, and its events are read all the same.

use std::{fs, path::Path};

use eventstore_api::{EventStoreBackend, StoreError, message_with_causes};
use eventstore_rocksdb::{RocksDbBackend, RocksDbReader, verify};
use rust_rocksdb::{DB, Options};
use tempfile::TempDir;

use crate::support::{all, append, assert_corrupted, contents, count_from_the_first, open, small};

const EVENTS: usize = 50;

async fn closed() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..EVENTS).await;
    store.close().await.unwrap();
    directory
}

/// The database, as anybody opens it.
fn anybody(path: &Path) -> DB {
    let families = ["events", "streams", "ids", "postings", "snapshots", "meta"];
    DB::open_cf(&Options::default(), path, families).unwrap()
}

fn remove(path: &Path, key: &str) {
    let database = anybody(path);
    let meta = database.cf_handle("meta").unwrap();
    database.delete_cf(meta, key).unwrap();
    // What stands in the log alone is seen only when a store is opened to write.
    database.flush_cf(meta).unwrap();
}

/// That everything is read, and what is damaged is told in these words.
#[track_caller]
fn opened_damaged(path: &Path, words: &str) -> RocksDbReader {
    let (reader, damages) = RocksDbReader::open_damaged(path).unwrap();
    assert!(damages.iter().all(|damage| matches!(damage, StoreError::Corrupted { .. })), "{damages:?}");
    let told: Vec<_> = damages.iter().map(|damage| message_with_causes(damage)).collect();
    assert!(told.iter().any(|told| told.contains(words)), "{words}: {told:?}");
    reader
}

#[tokio::test]
async fn a_store_that_has_lost_its_format_is_damaged_and_its_events_are_read() {
    let directory = closed().await;
    let path = directory.path();
    remove(path, "format");
    let before = contents(path);
    assert_corrupted(RocksDbBackend::with_config(path, small()), "`format`");
    assert_corrupted(RocksDbReader::open(path), "`format`");
    assert_corrupted(verify(path), "`format`");
    let reader = opened_damaged(path, "`format`");
    assert_eq!(count_from_the_first(&all(&reader).await.unwrap()), EVENTS);
    assert!(contents(path) == before, "it was changed");
    // Its families say that it is a store where nothing else does.
    fs::remove_file(path.join("SYNCED")).unwrap();
    assert_corrupted(RocksDbBackend::with_config(path, small()), "`format`");
}

#[test]
fn a_database_beside_the_note_of_what_is_durable_has_lost_its_families_and_is_nobody_elses() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = Options::default();
    options.create_if_missing(true);
    DB::open(&options, directory.path()).unwrap().put("key", "value").unwrap();
    // As `docs/rocksdb-format.md` has it.
    let synced = [7, 70, !7, !70].map(u64::to_le_bytes).concat();
    fs::write(directory.path().join("SYNCED"), synced).unwrap();
    let before = contents(directory.path());
    let words = "column families of it are missing";
    assert_corrupted(RocksDbBackend::with_config(directory.path(), small()), words);
    assert!(contents(directory.path()) == before, "it was changed");
}

#[tokio::test]
async fn a_store_that_has_lost_its_counts_is_damaged_and_its_events_are_read() {
    let directory = closed().await;
    remove(directory.path(), "state");
    assert_corrupted(RocksDbReader::open(directory.path()), "50 is the last one");
    let reader = opened_damaged(directory.path(), "50 is the last one");
    assert_eq!(count_from_the_first(&all(&reader).await.unwrap()), EVENTS);
}

#[tokio::test]
async fn a_flipped_byte_in_what_a_store_says_of_itself_keeps_nobody_from_its_events() {
    let directory = closed().await;
    let files = anybody(directory.path()).live_files().unwrap();
    let of_meta = files.iter().filter(|file| file.column_family_name == "meta");
    let names: Vec<_> = of_meta.map(|file| file.name.trim_start_matches('/')).collect();
    assert!(!names.is_empty(), "it is in no file");
    for name in names {
        let file = directory.path().join(name);
        let mut bytes = fs::read(&file).unwrap();
        // In the first block, behind which are the others that RocksDB needs to open the file.
        bytes[3] ^= 0x10;
        fs::write(&file, bytes).unwrap();
    }
    assert!(matches!(RocksDbReader::open(directory.path()), Err(StoreError::Corrupted { .. })));
    let reader = opened_damaged(directory.path(), "the RocksDB database in ");
    assert_eq!(count_from_the_first(&all(&reader).await.unwrap()), EVENTS);
}

#[tokio::test]
async fn a_store_of_a_later_format_is_not_taken_for_a_damaged_one() {
    let directory = closed().await;
    let database = anybody(directory.path());
    database.put_cf(database.cf_handle("meta").unwrap(), "format", 2_u32.to_le_bytes()).unwrap();
    drop(database);
    let opened = RocksDbReader::open_damaged(directory.path()).map(drop);
    assert!(matches!(opened, Err(StoreError::Storage { .. })), "{opened:?}");
}
