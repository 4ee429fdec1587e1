use super::*;
use crate::disk::faulty::{Faults, When};

#[test]
fn what_was_saved_is_found_and_found_again_after_reopening() {
    let disk = FaultyDisk::new();
    let snapshots = open(&disk);
    let saved: Vec<_> = [0, 1, 7, 8, 5000, 2 << 20].map(|bytes| snapshot(bytes as u64, 3, bytes)).into();
    for snapshot in &saved {
        snapshots.save(snapshot).unwrap();
    }
    for snapshots in [snapshots, open(&disk)] {
        assert_eq!(snapshots.count(), 6);
        for snapshot in &saved {
            assert_eq!(snapshots.latest(&snapshot.stream, Wait::Allowed).unwrap().as_ref(), Some(snapshot));
            assert_eq!(snapshots.latest(&snapshot.stream, Wait::Never).unwrap().as_ref(), Some(snapshot));
        }
        assert_eq!(latest(&snapshots, 99), None);
    }
}

#[test]
fn the_longest_snapshot_there_can_be_is_saved() {
    use eventstore_api::limits::{MAX_EVENT_TYPE_BYTES, MAX_PAYLOAD_BYTES, MAX_STREAM_ID_BYTES};
    let disk = FaultyDisk::new();
    let longest = Snapshot::new(
        StreamId::new("s".repeat(MAX_STREAM_ID_BYTES)).unwrap(),
        Version::new(u64::MAX),
        EventType::new("t".repeat(MAX_EVENT_TYPE_BYTES)).unwrap(),
        vec![5; MAX_PAYLOAD_BYTES],
    );
    open(&disk).save(&longest).unwrap();
    assert_eq!(open(&disk).latest(&longest.stream, Wait::Allowed).unwrap(), Some(longest.clone()));

    let mut too_long = longest;
    too_long.payload = vec![5; MAX_PAYLOAD_BYTES + 1].into();
    let before = disk.contents();
    assert!(open(&disk).save(&too_long).is_err());
    assert_eq!(disk.contents()[FILE_NAME], before[FILE_NAME][..file_length(&disk)], "nothing is stored");
}

#[test]
fn the_latest_by_version_wins_and_an_older_one_never_replaces_it() {
    let disk = FaultyDisk::new();
    let snapshots = open(&disk);
    for version in [5, 9, 2, 9, 8] {
        snapshots.save(&snapshot(1, version, 100)).unwrap();
    }
    for snapshots in [snapshots, open(&disk)] {
        assert_eq!(latest(&snapshots, 1), Some(snapshot(1, 9, 100)));
        assert_eq!(snapshots.count(), 1);
    }
}

#[test]
fn one_with_an_equal_version_replaces_the_other() {
    let disk = FaultyDisk::new();
    let snapshots = open(&disk);
    snapshots.save(&snapshot(1, 5, 100)).unwrap();
    snapshots.save(&snapshot(1, 5, 3)).unwrap();
    for snapshots in [snapshots, open(&disk)] {
        assert_eq!(latest(&snapshots, 1), Some(snapshot(1, 5, 3)));
    }
}

#[test]
fn what_would_have_to_wait_says_so() {
    let disk = FaultyDisk::new();
    let snapshots = open(&disk);
    snapshots.save(&snapshot(1, 1, 100)).unwrap();
    disk.set_faults(Faults::new(0).uncached(When::OneIn(1)));
    assert!(matches!(snapshots.latest(&stream(1), Wait::Never), Err(Failure::WouldWait)));
    assert_eq!(snapshots.latest(&stream(2), Wait::Never).unwrap(), None, "that takes no reading");
    assert_eq!(latest(&snapshots, 1), Some(snapshot(1, 1, 100)));
}

#[test]
fn a_file_that_is_mostly_garbage_is_rewritten_and_keeps_every_latest_snapshot() {
    let disk = FaultyDisk::new();
    let snapshots = open(&disk);
    snapshots.save(&snapshot(0, 1, 1000)).unwrap();
    let mut longest = 0;
    for version in 1..=50 {
        for number in 1..=3 {
            snapshots.save(&snapshot(number, version, 300)).unwrap();
            longest = longest.max(file_length(&disk));
        }
    }
    assert!(longest < index(3 * EXTENT), "150 saves of 300 bytes have left {longest} bytes");
    for snapshots in [snapshots, open(&disk)] {
        assert_eq!(snapshots.count(), 4);
        assert_eq!(latest(&snapshots, 0), Some(snapshot(0, 1, 1000)));
        for number in 1..=3 {
            assert_eq!(latest(&snapshots, number), Some(snapshot(number, 50, 300)));
        }
    }
    assert_eq!(disk.contents().len(), 1, "nothing is left over");
}

#[test]
fn after_a_rewrite_nothing_has_to_be_written_again() {
    let disk = FaultyDisk::new();
    let snapshots = open(&disk);
    for version in 1..=9 {
        snapshots.save(&snapshot(1, version, 1000)).unwrap();
    }
    let mut writer = snapshots.writer.lock();
    writer.next_rewrite = 0;
    snapshots.rewrite_if_worthwhile(&mut writer).unwrap();
    drop(writer);
    drop(snapshots);
    let (snapshots, report) = open_reporting(&disk);
    assert_eq!(report, SnapshotReport { snapshots: 1, ..SnapshotReport::default() });
    assert_eq!(latest(&snapshots, 1), Some(snapshot(1, 9, 1000)));
}

#[test]
fn eight_threads_save_at_once_and_share_syncs() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(crate::disk::Directory::existing(directory.path()).unwrap());
    let open = || Snapshots::open_with(disk.clone(), store(), options(Durability::Always)).unwrap().0;
    let snapshots = open();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let snapshots = &snapshots;
            scope.spawn(move || {
                for version in 1..=100 {
                    let own = snapshot(thread, version, 200);
                    snapshots.save(&own).unwrap();
                    assert_eq!(latest(snapshots, thread), Some(own));
                    snapshots.save(&snapshot(100, version, 200)).unwrap();
                    assert!(latest(snapshots, 100).unwrap().version >= Version::new(version));
                }
            });
        }
    });
    assert!(generation(&snapshots) > 1, "it was rewritten meanwhile");
    let writer = snapshots.writer.lock();
    assert_eq!(writer.synced, writer.written);
    drop(writer);
    for snapshots in [snapshots, open()] {
        assert_eq!(snapshots.count(), 9);
        for number in [0, 1, 2, 3, 4, 5, 6, 7, 100] {
            assert_eq!(latest(&snapshots, number), Some(snapshot(number, 100, 200)));
        }
    }
}
