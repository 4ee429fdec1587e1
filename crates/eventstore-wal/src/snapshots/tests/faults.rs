use std::collections::BTreeMap;

use super::*;
use crate::disk::faulty::{Always, ChangeFault, Faults, ReadFault, Seeded, SyncFault, When, WriteFault};

fn kind(failure: &Failure) -> io::ErrorKind {
    match failure {
        Failure::Io { source, .. } => source.kind(),
        other => panic!("{other}"),
    }
}

fn rewrites_next(snapshots: &Snapshots) -> bool {
    let live_bytes = snapshots.contents.with_places(contents::Places::live_bytes);
    snapshots.writer.lock().garbage(live_bytes) >= LEAST_GARBAGE
}

#[test]
fn after_a_failed_sync_no_save_succeeds_and_reads_go_on() {
    let disk = FaultyDisk::new();
    let snapshots = open(&disk);
    snapshots.save(&snapshot(1, 1, 100)).unwrap();
    disk.set_faults(Faults::new(0).on_sync(When::Nth(0), SyncFault::Broken));
    snapshots.save(&snapshot(2, 1, 100)).unwrap_err();
    let failure = snapshots.save(&snapshot(3, 1, 100)).unwrap_err();
    assert!(failure.to_string().contains("reopen the store"), "{failure}");
    assert!(matches!(failure.into(), eventstore_api::StoreError::Storage { .. }));
    snapshots.save(&snapshot(1, 0, 100)).unwrap_err();
    snapshots.flush().unwrap_err();
    assert_eq!(latest(&snapshots, 1), Some(snapshot(1, 1, 100)));
}

#[test]
fn what_a_failed_sync_left_in_the_page_cache_is_written_again_when_the_store_is_opened() {
    let disk = FaultyDisk::new();
    let snapshots = open(&disk);
    snapshots.save(&snapshot(1, 1, 100)).unwrap();
    disk.set_faults(Faults::new(0).on_sync(When::Nth(0), SyncFault::Broken));
    snapshots.save(&snapshot(1, 2, 1000)).unwrap_err();
    let disk = disk.kill();
    let (snapshots, report) = open_reporting(&disk);
    assert!(report.bytes_rewritten > 1000);
    let shown = latest(&snapshots, 1).unwrap();
    assert_eq!(shown, snapshot(1, 2, 1000));
    let disk = disk.crash(&mut Always::Oldest);
    assert_eq!(latest(&open(&disk), 1), Some(shown), "what was shown after opening stays");
}

#[test]
fn after_a_failed_write_no_save_succeeds_and_what_was_acknowledged_is_there_after_reopening() {
    for seed in 0..20 {
        let disk = FaultyDisk::new();
        let snapshots = open(&disk);
        snapshots.save(&snapshot(1, 1, 100)).unwrap();
        disk.set_faults(Faults::new(seed).on_write(When::Nth(0), WriteFault::Broken));
        snapshots.save(&snapshot(2, 1, 2000)).unwrap_err();
        snapshots.save(&snapshot(3, 1, 100)).unwrap_err();
        assert_eq!(latest(&snapshots, 1), Some(snapshot(1, 1, 100)));
        for disk in [disk.fork().kill(), disk.crash(&mut Seeded::new(seed))] {
            let snapshots = open(&disk);
            assert_eq!(latest(&snapshots, 1), Some(snapshot(1, 1, 100)));
            assert_eq!(latest(&snapshots, 3), None);
            snapshots.save(&snapshot(3, 1, 100)).unwrap();
        }
    }
}

#[test]
fn a_full_disk_is_a_clean_error_and_the_next_save_works_when_there_is_room() {
    for pages in 1..6 {
        let disk = FaultyDisk::new();
        let snapshots = open(&disk);
        disk.set_faults(Faults::new(0).capacity(pages * 4096));
        let mut saved = BTreeMap::new();
        let mut refused = None;
        for number in 0..100 {
            match snapshots.save(&snapshot(number, 1, 700)) {
                Ok(()) => assert!(saved.insert(number, 1).is_none()),
                Err(failure) => {
                    assert_eq!(kind(&failure), io::ErrorKind::StorageFull);
                    refused = refused.or(Some(number));
                }
            }
        }
        let refused = refused.unwrap();
        assert_eq!(latest(&snapshots, refused), None);
        assert_eq!(snapshots.count(), saved.len() as u64);
        disk.set_faults(Faults::default());
        snapshots.save(&snapshot(refused, 2, 700)).unwrap();
        saved.insert(refused, 2);
        let disk = disk.crash(&mut Always::Oldest);
        let (snapshots, report) = open_reporting(&disk);
        assert_eq!((report.torn, report.damaged), (vec![], vec![]));
        for (number, version) in saved {
            assert_eq!(latest(&snapshots, number), Some(snapshot(number, version, 700)));
        }
    }
}

#[test]
fn a_rewrite_that_finds_no_room_leaves_the_file_and_saves_go_on() {
    for fault in [
        Faults::new(0).on_change(When::Nth(0), ChangeFault::Full),
        Faults::new(0).on_change(When::Nth(1), ChangeFault::Full),
        Faults::new(0).on_write(When::Nth(0), WriteFault::Full),
        Faults::new(0).on_write(When::Nth(1), WriteFault::Broken),
        Faults::new(0).on_sync(When::Nth(0), SyncFault::Broken),
        Faults::new(0).on_read(When::Nth(0), ReadFault::Broken),
    ] {
        let disk = FaultyDisk::new();
        let snapshots = open(&disk);
        let mut version = 0;
        let mut save = |snapshots: &Snapshots| {
            version += 1;
            snapshots.save(&snapshot(1, version, 500)).unwrap();
            assert_eq!(latest(snapshots, 1), Some(snapshot(1, version, 500)));
        };
        while !rewrites_next(&snapshots) {
            save(&snapshots);
        }
        disk.set_faults(fault);
        save(&snapshots);
        assert_eq!(generation(&snapshots), 1);
        assert!(!disk.contents().contains_key(ASIDE_NAME));
        for _ in 0..10 {
            save(&snapshots);
        }
        assert!(generation(&snapshots) > 1, "it is tried again");
        assert_eq!(latest(&open(&disk.crash(&mut Always::Oldest)), 1), Some(snapshot(1, version, 500)));
    }
}

#[test]
fn when_the_name_of_the_next_generation_cannot_be_synced_nothing_more_is_acknowledged() {
    let disk = FaultyDisk::new();
    let snapshots = open(&disk);
    let mut version = 0;
    while !rewrites_next(&snapshots) {
        version += 1;
        snapshots.save(&snapshot(1, version, 500)).unwrap();
    }
    // The copy itself, and then its name.
    disk.set_faults(Faults::new(0).on_sync(When::Nth(1), SyncFault::Broken));
    snapshots.save(&snapshot(1, version + 1, 500)).unwrap_err();
    snapshots.save(&snapshot(1, version + 2, 500)).unwrap_err();
    assert_eq!(latest(&snapshots, 1), Some(snapshot(1, version, 500)));
    for mut chooser in [Always::Oldest, Always::Newest] {
        assert_eq!(latest(&open(&disk.fork().crash(&mut chooser)), 1), Some(snapshot(1, version, 500)));
    }
    assert_eq!(latest(&open(&disk.kill()), 1), Some(snapshot(1, version, 500)));
}

#[test]
fn a_disk_that_cannot_be_read_is_an_error_and_not_damage() {
    let disk = FaultyDisk::new();
    open(&disk).save(&snapshot(1, 1, 100)).unwrap();
    let before = disk.contents();
    for nth in 0..2 {
        disk.set_faults(Faults::new(0).on_read(When::Nth(nth), ReadFault::Broken));
        assert_eq!(kind(&open_fallibly(&disk).unwrap_err()), io::ErrorKind::Other);
        assert_eq!(disk.contents(), before);
    }
    disk.set_faults(Faults::default());
    assert_eq!(latest(&open(&disk), 1), Some(snapshot(1, 1, 100)));
}

#[test]
fn short_and_interrupted_calls_get_there_in_the_end() {
    let disk = FaultyDisk::new();
    disk.set_faults(
        Faults::new(3)
            .on_write(When::OneIn(3), WriteFault::Short)
            .on_write(When::OneIn(4), WriteFault::Interrupted)
            .on_read(When::OneIn(3), ReadFault::Short)
            .on_read(When::OneIn(4), ReadFault::Interrupted),
    );
    let snapshots = open(&disk);
    for version in 1..=40 {
        snapshots.save(&snapshot(version % 2, version, 500)).unwrap();
        assert_eq!(latest(&snapshots, version % 2), Some(snapshot(version % 2, version, 500)));
    }
    assert_eq!(latest(&open(&disk), 0), Some(snapshot(0, 40, 500)));
}
