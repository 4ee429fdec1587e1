//! A copy that is made while the store is written holds what was there before, all of it and nothing by half.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use eventstore_api::{EventStoreBackend, ExpectedVersion, StoreError, message_with_causes};
use eventstore_rocksdb::{Durability, RocksDbBackend, RocksDbConfig, restore, verify};
use tokio::{sync::watch, task::JoinSet};

use crate::support::{
    all, append, contents, copy, count_from_the_first, event, files, open, save_snapshots, small, stream,
};

fn is_gone_or_empty(path: &Path) -> bool {
    fs::read_dir(path).map_or(true, |mut entries| entries.next().is_none())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_copy_that_is_made_while_many_append_is_a_store_that_was() {
    for durability in [Durability::Always, Durability::OsBuffered] {
        let directory = tempfile::tempdir().unwrap();
        let config = RocksDbConfig { durability, ..small() };
        let store = RocksDbBackend::with_config(directory.path().join("store"), config).unwrap();
        let acknowledged = Arc::new(AtomicU64::new(0));
        // They wait for the copies, so that there is not more and more to look through.
        let (limit, _) = watch::channel(0);
        let mut appending = JoinSet::new();
        for task in 0..16 {
            let (store, acknowledged, mut limit) =
                (store.clone(), Arc::clone(&acknowledged), limit.subscribe());
            appending.spawn(async move {
                for number in 0.. {
                    let _ = limit.wait_for(|limit| acknowledged.load(Ordering::SeqCst) < *limit).await;
                    let events = vec![event(number), event(number + 1)];
                    let outcome = store.append(&stream(task), ExpectedVersion::Any, events).await.unwrap();
                    acknowledged.fetch_max(outcome.last_position.get(), Ordering::SeqCst);
                }
            });
        }
        let mut before = 0;
        for round in 0..6 {
            limit.send_replace(before + 3_000);
            let at_least = loop {
                let so_far = acknowledged.load(Ordering::SeqCst);
                if so_far > before {
                    break so_far;
                }
                tokio::task::yield_now().await;
            };
            let copy = directory.path().join(format!("copy-{round}"));
            store.backup_to(&copy).await.unwrap();
            let stats = verify(&copy).unwrap().stats;
            assert!(stats.total_events >= at_least, "{} of {at_least}", stats.total_events);
            assert!(stats.total_events.is_multiple_of(2), "half an append");
            let opened = open(&copy);
            let events = all(&opened).await.unwrap();
            assert_eq!(events.len() as u64, stats.total_events);
            let original = all(&store).await.unwrap();
            assert!(original[..events.len()] == events[..], "it is no beginning of the store");
            // A store of its own.
            append(&opened, 0..3).await;
            opened.close().await.unwrap();
            before = acknowledged.load(Ordering::SeqCst);
        }
        appending.shutdown().await;
        store.close().await.unwrap();
        verify(directory.path().join("store")).unwrap();
    }
}

/// A store with a backup beside it.
async fn backed_up(directory: &Path) -> std::path::PathBuf {
    let store = open(&directory.join("store"));
    append(&store, 0..2_000).await;
    save_snapshots(&store).await;
    let backup = directory.join("backup");
    store.backup_to(&backup).await.unwrap();
    append(&store, 2_000..2_100).await;
    store.close().await.unwrap();
    backup
}

#[tokio::test]
async fn what_is_restored_is_what_was_backed_up() {
    let directory = tempfile::tempdir().unwrap();
    let backup = backed_up(directory.path()).await;
    let before = contents(&backup);
    let (missing, empty) = (directory.path().join("a").join("b"), directory.path().join("empty"));
    fs::create_dir(&empty).unwrap();
    for path in [missing, empty] {
        let report = restore(&backup, &path).unwrap();
        assert_eq!((report.stats.total_events, report.stats.total_snapshots), (2_000, 7));
        let store = open(&path);
        assert_eq!(count_from_the_first(&all(&store).await.unwrap()), 2_000);
        // It shares nothing with the backup.
        append(&store, 2_000..4_000).await;
        store.close().await.unwrap();
        assert!(contents(&backup) == before);
    }
}

#[tokio::test]
async fn nothing_is_restored_over_what_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let backup = backed_up(directory.path()).await;
    let store = directory.path().join("store");
    let before = contents(&store);
    let refused = restore(&backup, &store).unwrap_err();
    assert!(matches!(refused, StoreError::Storage { .. }), "{refused:?}");
    assert!(message_with_causes(&refused).contains(store.to_str().unwrap()), "{refused:?}");
    assert!(contents(&store) == before);
    // Nor is a copy made over something.
    let error = open(&store).backup_to(&backup).await.unwrap_err();
    assert!(matches!(error, StoreError::Storage { .. }), "{error:?}");
    assert!(message_with_causes(&error).contains(backup.to_str().unwrap()), "{error:?}");
    assert_eq!(verify(&backup).unwrap().stats.total_events, 2_000);
}

#[tokio::test]
async fn of_a_damaged_backup_nothing_is_restored() {
    let directory = tempfile::tempdir().unwrap();
    let backup = backed_up(directory.path()).await;
    let path = directory.path().join("anew");
    for number in 0..files(&backup, "").len() {
        let damaged = copy(&backup);
        let file = files(damaged.path(), "").remove(number);
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let mut bytes = fs::read(&file).unwrap();
        let is_data = name.ends_with(".sst") || name.starts_with("MANIFEST") || name == "CURRENT";
        if !is_data || bytes.is_empty() {
            continue;
        }
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        fs::write(&file, bytes).unwrap();
        let told = restore(damaged.path(), &path).unwrap_err();
        assert!(
            matches!(told, StoreError::Corrupted { .. } | StoreError::Storage { .. }),
            "{name}: {told:?}"
        );
        assert!(is_gone_or_empty(&path), "{name}");
        fs::remove_file(&file).unwrap();
        assert!(restore(damaged.path(), &path).is_err(), "{name}");
        assert!(is_gone_or_empty(&path), "{name}");
    }
    restore(&backup, &path).unwrap();
}

#[test]
fn what_is_no_store_is_not_restored() {
    let directory = tempfile::tempdir().unwrap();
    let (empty, path) = (directory.path().join("empty"), directory.path().join("anew"));
    fs::create_dir(&empty).unwrap();
    assert!(restore(&empty, &path).is_err());
    assert!(is_gone_or_empty(&path));
}

/// What was begun and not finished is in nobody's way.
#[tokio::test]
async fn a_copy_that_cannot_be_made_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("store"));
    append(&store, 0..10).await;
    let below = directory.path().join("missing").join("copy");
    if store.backup_to(&below).await.is_err() {
        assert!(!below.exists());
    }
    let file = directory.path().join("file");
    fs::write(&file, "text").unwrap();
    assert!(store.backup_to(file.join("copy")).await.is_err());
    assert_eq!(fs::read_to_string(&file).unwrap(), "text");
    append(&store, 10..20).await;
}

/// RocksDB prepares a copy in a directory whose name it makes of the other one's, and empties that first.
#[tokio::test(flavor = "multi_thread")]
async fn what_lies_beside_a_copy_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("store"));
    append(&store, 0..10).await;
    let beside = open(&directory.path().join("monday.tmp"));
    append(&beside, 0..20).await;
    store.backup_to(directory.path().join("monday")).await.unwrap();
    append(&beside, 20..30).await;
    beside.close().await.unwrap();
    assert_eq!(verify(directory.path().join("monday.tmp")).unwrap().stats.total_events, 30);
    assert_eq!(verify(directory.path().join("monday")).unwrap().stats.total_events, 10);
    let left = fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 3, "something is left of making the copy");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_copies_to_one_place_at_once_one_is_refused_and_the_other_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let (one, other) = (open(&directory.path().join("one")), open(&directory.path().join("other")));
    append(&one, 0..100).await;
    append(&other, 0..200).await;
    for round in 0..20 {
        let place = directory.path().join(format!("copy-{round}"));
        let (first, second) = tokio::join!(one.backup_to(&place), other.backup_to(&place));
        let events = verify(&place).unwrap().stats.total_events;
        match (first, second) {
            (Ok(()), Err(_)) => assert_eq!(events, 100),
            (Err(_), Ok(())) => assert_eq!(events, 200),
            both => panic!("{both:?}"),
        }
    }
}
