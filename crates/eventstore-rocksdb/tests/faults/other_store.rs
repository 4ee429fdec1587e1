//! Where the log of another store lies, no database is begun, and one that lies beside it is not written. Where nothing lies, it is
//! said so.

use std::{
    fs,
    path::{Path, PathBuf},
};

use eventstore_api::{EventStoreBackend, StoreError, message_with_causes};
use eventstore_rocksdb::{RocksDbBackend, RocksDbError, RocksDbReader, restore, verify};

use crate::support::{all, append, assert_corrupted, cause, contents, count_from_the_first, open, small};

/// What `docs/wal-format.md` says of a directory with a log.
const MANIFEST: &str = "MANIFEST";
const SEGMENT: &str = "00000000000000000001.wal";

fn put_a_log_into(directory: &Path, names: &[&str]) {
    for name in names {
        let bytes = if *name == MANIFEST { "EVWALMAN, and so on" } else { "of a log" };
        fs::write(directory.join(name), bytes).unwrap();
    }
}

/// Of all files, those too that RocksDB makes when it begins.
fn names(directory: &Path) -> Vec<PathBuf> {
    let mut names: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names
}

#[test]
fn where_a_log_is_no_database_is_begun_and_nothing_is_changed() {
    // One that is whole, one that has lost its manifest, and one that has just begun.
    for log in [&[MANIFEST, SEGMENT, "SYNCED"][..], &[SEGMENT, "SYNCED"], &[MANIFEST]] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        put_a_log_into(path, log);
        let before = (names(path), contents(path));
        let elsewhere = tempfile::tempdir().unwrap();
        let answers = [
            RocksDbBackend::with_config(path, small()).map(drop),
            // Whoever looks for a database there is told the same.
            RocksDbReader::open(path).map(drop),
            verify(path).map(drop),
            restore(path, elsewhere.path().join("new")).map(drop),
        ];
        for answer in answers {
            let error = answer.unwrap_err();
            assert!(matches!(error, StoreError::Storage { .. }), "{error:?}");
            assert!(matches!(cause(&error), Some(RocksDbError::LogInstead { .. })), "{error:?}");
            let text = message_with_causes(&error);
            let names_one = log.iter().any(|file| text.contains(&format!("`{file}`")));
            assert!(text.contains(path.to_str().unwrap()) && names_one, "{text}");
        }
        assert!((names(path), contents(path)) == before, "it was changed");
    }
}

/// As an earlier version has left it, which began a database there.
#[tokio::test]
async fn a_database_beside_a_log_is_not_written_and_can_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..100).await;
    store.close().await.unwrap();
    drop(store);
    put_a_log_into(directory.path(), &[MANIFEST, SEGMENT, "SYNCED"]);
    let before = (names(directory.path()), contents(directory.path()));
    let error = RocksDbBackend::with_config(directory.path(), small()).unwrap_err();
    assert!(matches!(error, StoreError::Storage { .. }), "{error:?}");
    assert!(matches!(cause(&error), Some(RocksDbError::LogBeside { .. })), "{error:?}");

    let reader = RocksDbReader::open(directory.path()).unwrap();
    assert_eq!(count_from_the_first(&all(&reader).await.unwrap()), 100);
    drop(reader);
    assert_eq!(verify(directory.path()).unwrap().stats.total_events, 100);
    assert!((names(directory.path()), contents(directory.path())) == before, "it was changed");

    // What the message says to do.
    for name in [MANIFEST, SEGMENT] {
        fs::remove_file(directory.path().join(name)).unwrap();
    }
    assert_eq!(count_from_the_first(&all(&open(directory.path())).await.unwrap()), 100);
}

#[tokio::test]
async fn files_that_are_called_much_as_those_of_a_log_are_no_log() {
    let directory = tempfile::tempdir().unwrap();
    let files = [MANIFEST, "1.wal", "app.wal", "0000000000000000000a.wal", "00000000000000000001.wal.old"];
    for name in files {
        fs::write(directory.path().join(name), name).unwrap();
    }
    let store = open(directory.path());
    append(&store, 0..10).await;
    store.close().await.unwrap();
    for name in files {
        assert_eq!(fs::read_to_string(directory.path().join(name)).unwrap(), name);
    }
}

#[test]
fn in_a_directory_without_a_database_it_is_said_that_there_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("letters");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("letter.txt"), "Dear Ann").unwrap();
    let answers = [
        RocksDbReader::open(&path).map(drop),
        verify(&path).map(drop),
        restore(&path, directory.path().join("new")).map(drop),
    ];
    for answer in answers {
        let error = answer.unwrap_err();
        assert!(matches!(error, StoreError::Storage { .. }), "{error:?}");
        let text = message_with_causes(&error);
        assert!(text.ends_with(&format!("there is no RocksDB store in {}", path.display())), "{text}");
    }
    assert_eq!(names(&path), [path.join("letter.txt")]);
}

#[tokio::test]
async fn whoever_looks_at_a_database_that_has_lost_what_names_its_manifest_is_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..10).await;
    store.close().await.unwrap();
    drop(store);
    fs::remove_file(directory.path().join("CURRENT")).unwrap();
    assert_corrupted(RocksDbReader::open(directory.path()).map(drop), "`CURRENT` is missing");
    assert_corrupted(verify(directory.path()), "`CURRENT` is missing");
}
