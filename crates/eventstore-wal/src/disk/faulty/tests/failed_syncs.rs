use super::*;
use crate::disk::faulty::{Faults, SyncFault, When};

fn after_a_failed_sync() -> (FaultyDisk, Handle) {
    let (disk, file) = disk_with_file(2);
    disk.set_faults(Faults::new(0).on_sync(When::Nth(0), SyncFault::Broken));
    file.write_at(&[b'b'; SECTOR], 0).unwrap();
    file.sync_data().unwrap_err();
    (disk, file)
}

#[test]
fn after_a_failed_sync_the_next_one_succeeds_and_a_crash_loses_the_data_all_the_same() {
    let (disk, file) = after_a_failed_sync();
    assert_eq!(sectors(&found(&disk).unwrap()), "ba", "reads see what was written");
    file.sync_data().unwrap();
    assert_eq!(sectors(&found(&disk).unwrap()), "ba");
    // How much had reached the disk before it failed, nobody knows.
    assert_eq!(all_crashes(&disk).0, set(&["aa", "ba"]));
}

#[test]
fn overwriting_what_a_failed_sync_lost_makes_it_durable_again() {
    let (disk, file) = after_a_failed_sync();
    file.write_at(&[b'b'; SECTOR], 0).unwrap();
    assert_eq!(all_crashes(&disk).0, set(&["aa", "ba"]));
    file.sync_data().unwrap();
    assert_eq!(all_crashes(&disk), (set(&["ba"]), 1));
}

#[test]
fn a_failed_sync_forgets_only_what_was_dirty() {
    let (disk, file) = after_a_failed_sync();
    file.write_at(&[b'c'; SECTOR], 512).unwrap();
    file.sync_data().unwrap();
    assert_eq!(all_crashes(&disk).0, set(&["ac", "bc"]));
}

#[test]
fn the_length_is_not_forgotten() {
    let (disk, file) = disk_with_file(1);
    disk.set_faults(Faults::new(0).on_sync(When::Nth(0), SyncFault::Broken));
    file.write_at(&[b'b'; SECTOR], 512).unwrap();
    file.sync_data().unwrap_err();
    assert_eq!(all_crashes(&disk).0, set(&["a", "a0", "ab"]));
    file.sync_data().unwrap();
    assert_eq!(all_crashes(&disk).0, set(&["a0", "ab"]));
}

#[test]
fn what_was_forgotten_and_then_cut_off_is_gone() {
    let (disk, file) = after_a_failed_sync();
    file.set_len(0).unwrap();
    file.set_len(1024).unwrap();
    file.sync_data().unwrap();
    assert_eq!(all_crashes(&disk).0, set(&["00"]));
}

#[test]
fn names_stay_unsynced_when_their_sync_fails() {
    let disk = FaultyDisk::new();
    disk.set_faults(Faults::new(0).on_sync(When::Nth(0), SyncFault::Broken));
    disk.open("log", Open::Create).unwrap();
    disk.sync_names().unwrap_err();
    assert_eq!(all_crashes(&disk).0, set(&["gone", ""]));
    disk.sync_names().unwrap();
    assert_eq!(all_crashes(&disk).0, set(&[""]));
}

#[test]
fn what_was_forgotten_is_cut_off_by_lengths_of_after_the_sync_too() {
    let (disk, file) = disk_with_file(1);
    disk.set_faults(Faults::new(0).on_sync(When::Nth(0), SyncFault::Broken));
    file.write_at(&[b'b'; SECTOR], 512).unwrap();
    file.sync_data().unwrap_err();
    file.sync_data().unwrap();
    file.set_len(512).unwrap();
    file.set_len(1024).unwrap();
    file.sync_data().unwrap();
    assert_eq!(all_crashes(&disk).0, set(&["a0"]));
}
