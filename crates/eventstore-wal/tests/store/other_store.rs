//! Where a RocksDB database lies, no log is begun, and one that lies beside it is not written.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::{fs, path::Path};

use eventstore_api::{EventStoreBackend, StoreError, message_with_causes};
use eventstore_wal::{WalBackend, WalReader, salvage, verify};

use crate::support::{append, contents, count_from_the_first, open};

/// The names that every database has, and what `eventstore-rocksdb` puts beside them.
fn put_a_database_into(directory: &Path) {
    for name in ["CURRENT", "IDENTITY", "LOCK", "MANIFEST-000005", "OPTIONS-000007", "000012.sst", "SYNCED"] {
        fs::write(directory.join(name), format!("{name} of a database")).unwrap();
    }
}

#[track_caller]
fn assert_refused(answer: Result<(), StoreError>, words: &str) {
    let error = answer.unwrap_err();
    assert!(matches!(error, StoreError::Storage { .. }), "{error:?}");
    let text = message_with_causes(&error);
    assert!(text.contains(words) && text.contains("MANIFEST-000005"), "{text}");
}

#[test]
fn in_the_directory_of_a_database_no_log_is_begun_and_nothing_is_changed() {
    let directory = tempfile::tempdir().unwrap();
    put_a_database_into(directory.path());
    // As one has it that has lost the file which names its manifest.
    let without_current = tempfile::tempdir().unwrap();
    fs::write(without_current.path().join("MANIFEST-000005"), "of a database").unwrap();
    for path in [directory.path(), without_current.path()] {
        let before = contents(path);
        let words = "there is a RocksDB database here";
        assert_refused(WalBackend::production(path).map(drop), words);
        assert!(contents(path) == before, "it was changed");
        // Whoever looks for a log there is told the same.
        assert_refused(WalReader::open(path).map(drop), words);
        assert_refused(verify(path).map(drop), words);
        assert_refused(salvage(path, |_| {}).map(drop), words);
    }
}

/// As an earlier version has left it, which began a log there.
#[tokio::test]
async fn a_log_beside_a_database_is_not_written_and_can_be_read_and_moved() {
    let (directory, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(directory.path());
    append(&store, 0..100).await;
    store.close().await.unwrap();
    drop(store);
    let names: Vec<_> = contents(directory.path()).into_iter().map(|(path, _)| path).collect();
    put_a_database_into(directory.path());
    let before = contents(directory.path());
    assert_refused(WalBackend::production(directory.path()).map(drop), "beside the log");
    assert!(contents(directory.path()) == before, "it was changed");

    let reader = WalReader::open(directory.path()).unwrap();
    let events = reader.get_all_events().await.unwrap();
    assert_eq!(count_from_the_first(&events), 100);
    let report = verify(directory.path()).unwrap();
    assert!(report.damages.is_empty() && report.events == 100, "{:?}", report.damages);

    // What the message says to do; `SYNCED` is the database's by now.
    for file in names.iter().filter(|file| !file.ends_with("SYNCED")) {
        fs::copy(file, own.path().join(file.file_name().unwrap())).unwrap();
    }
    append(&open(own.path()), 100..110).await;
    assert_eq!(verify(own.path()).unwrap().events, 110);
}

#[tokio::test]
async fn files_of_somebody_else_are_no_database_and_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let names =
        ["CURRENT", "IDENTITY", "MANIFEST-", "MANIFEST-2024a", "MANIFEST.txt", "000012.sst", "000013.log"];
    for name in names {
        fs::write(directory.path().join(name), name).unwrap();
    }
    let store = open(directory.path());
    append(&store, 0..100).await;
    store.close().await.unwrap();
    for name in names {
        assert_eq!(fs::read_to_string(directory.path().join(name)).unwrap(), name);
    }
}
