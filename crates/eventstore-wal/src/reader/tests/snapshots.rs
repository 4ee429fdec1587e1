//! Snapshots, as a reader and a verification see them, beside the writer of their file.

use std::{fs, sync::Arc};

use eventstore_api::{EventStoreBackend, EventType, Snapshot, StreamId, Version};
use tempfile::TempDir;

use crate::{
    Durability, WalBackend, WalReader,
    disk::{Directory, Disk},
    log::recovery::layout::read_manifest,
    snapshots::{FILE_NAME, Snapshots},
    verify,
};

/// A store without events, and its snapshots, open for writing.
fn store() -> (TempDir, Snapshots) {
    let directory = tempfile::tempdir().unwrap();
    drop(WalBackend::production(directory.path()).unwrap());
    let disk: Arc<dyn Disk> = Arc::new(Directory::existing(directory.path()).unwrap());
    let manifest = read_manifest(&*disk).unwrap().unwrap();
    let (snapshots, _) = Snapshots::open(disk, manifest.store, 4_096, Durability::Always).unwrap();
    (directory, snapshots)
}

fn snapshot(version: u64) -> Snapshot {
    let stream = StreamId::new("account-7").unwrap();
    Snapshot::new(
        stream,
        Version::new(version),
        EventType::new("Account").unwrap(),
        format!("state {version}"),
    )
}

#[tokio::test]
async fn a_reader_sees_each_snapshot_that_is_saved() {
    let (directory, snapshots) = store();
    let reader = WalReader::open(directory.path()).unwrap();
    let stream = snapshot(1).stream;
    assert_eq!(reader.get_latest_snapshot(&stream).await.unwrap(), None);
    for version in 1..5 {
        snapshots.save(&snapshot(version)).unwrap();
        assert_eq!(reader.get_latest_snapshot(&stream).await.unwrap(), Some(snapshot(version)));
        assert_eq!(reader.stats().await.unwrap().total_snapshots, 1);
    }
}

#[tokio::test]
async fn a_verification_goes_through_the_snapshots() {
    let (directory, snapshots) = store();
    for version in 1..5 {
        snapshots.save(&snapshot(version)).unwrap();
    }
    let report = verify(directory.path()).unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(report.snapshots, 1);

    let file = directory.path().join(FILE_NAME);
    let mut bytes = fs::read(&file).unwrap();
    // In the body of the first record.
    bytes[64 + 40 + 3] ^= 1;
    fs::write(&file, bytes).unwrap();
    let report = verify(directory.path()).unwrap();
    let [damage] = &report.damages[..] else { panic!("{report:?}") };
    assert_eq!((damage.file.as_str(), damage.offset), (file.to_str().unwrap(), 64));
    assert_eq!(report.snapshots, 1);
}
