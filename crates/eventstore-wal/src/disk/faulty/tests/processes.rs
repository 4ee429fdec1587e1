use super::*;
use crate::disk::faulty::{is_killed, is_power_loss};

#[test]
fn handles_of_before_a_crash_fail() {
    let (disk, file) = disk_with_file(1);
    let after = disk.crash(&mut Always::Oldest);
    assert!(is_power_loss(&file.read_at(&mut [0; 4], 0).unwrap_err()));
    assert!(is_power_loss(&file.read_at_if_cached(&mut [0; 4], 0).unwrap_err()));
    assert!(is_power_loss(&file.write_at(b"b", 0).unwrap_err()));
    assert!(is_power_loss(&file.set_len(0).unwrap_err()));
    assert!(is_power_loss(&file.sync_data().unwrap_err()));
    assert!(is_power_loss(&file.length().unwrap_err()));
    assert!(is_power_loss(&disk.names().unwrap_err()));
    assert!(is_power_loss(&disk.open("log", Open::Read).unwrap_err()));
    assert!(is_power_loss(&disk.rename("log", "other").unwrap_err()));
    assert!(is_power_loss(&disk.remove("log").unwrap_err()));
    assert!(is_power_loss(&disk.sync_names().unwrap_err()));
    assert!(disk.lock("LOCK").is_err_and(|error| is_power_loss(&error)));
    assert!(!disk.is_on() && after.is_on());
    assert_eq!(after.open("log", Open::Read).unwrap().length().unwrap(), 512);
}

#[test]
fn the_power_goes_at_the_boundary_it_was_told() {
    let (disk, file) = disk_with_file(2);
    disk.crash_at(disk.boundaries() + 1);
    file.write_at(&[b'b'; SECTOR], 0).unwrap();
    let error = file.write_at(&[b'b'; SECTOR], 512).unwrap_err();
    assert!(is_power_loss(&error) && !is_killed(&error));
    assert!(is_power_loss(&std::io::Error::other(error)), "also when wrapped");
    assert!(is_power_loss(&file.read_at(&mut [0; 4], 0).unwrap_err()));
    assert_eq!(all_crashes(&disk).0, set(&["aa", "ab", "ba", "bb"]));
}

#[test]
fn a_sync_at_which_the_power_goes_has_done_all_some_or_nothing() {
    let (disk, file) = disk_with_file(2);
    file.write_at(&[b'b'; 2 * SECTOR], 0).unwrap();
    disk.crash_at(disk.boundaries());
    assert!(is_power_loss(&file.sync_data().unwrap_err()));
    assert_eq!(all_crashes(&disk).0, set(&["aa", "ab", "ba", "bb"]));
}

#[test]
fn a_kill_leaves_all_that_was_written_and_a_crash_after_it_may_lose_that() {
    let (disk, file) = disk_with_file(1);
    file.write_at(&[b'b'; SECTOR], 0).unwrap();
    let after = disk.kill();
    assert!(is_killed(&file.read_at(&mut [0; 4], 0).unwrap_err()));
    assert!(is_killed(&disk.names().unwrap_err()));
    assert_eq!(sectors(&found(&after).unwrap()), "b");
    assert_eq!(all_crashes(&after).0, set(&["a", "b"]));
    after.open("log", Open::Write).unwrap().sync_data().unwrap();
    assert_eq!(all_crashes(&after).0, set(&["b"]));
}

#[test]
fn one_holds_the_lock_until_it_drops_it_or_dies() {
    let disk = FaultyDisk::new();
    let lock = disk.lock("LOCK").unwrap();
    assert!(lock.is_some());
    assert!(disk.lock("LOCK").unwrap().is_none());
    assert!(disk.lock("OTHER").unwrap().is_some());
    drop(lock);
    let lock = disk.lock("LOCK").unwrap();
    assert!(lock.is_some());
    let next = disk.kill();
    let after_the_kill = next.lock("LOCK").unwrap();
    assert!(after_the_kill.is_some());
    drop(lock);
    assert!(next.lock("LOCK").unwrap().is_none(), "the lock of the dead is another");
    let after_the_crash = next.crash(&mut Always::Newest);
    assert!(after_the_crash.lock("LOCK").unwrap().is_some());
}

#[test]
fn a_fork_goes_its_own_way() {
    let (disk, file) = disk_with_file(1);
    let fork = disk.fork();
    file.write_at(&[b'b'; SECTOR], 0).unwrap();
    fork.open("log", Open::Write).unwrap().write_at(&[b'c'; SECTOR], 0).unwrap();
    assert_eq!(sectors(&found(&disk).unwrap()), "b");
    assert_eq!(sectors(&found(&fork).unwrap()), "c");
}

#[test]
fn threads_can_share_a_disk() {
    let (disk, file) = disk_with_file(8);
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            let file = &file;
            scope.spawn(move || file.write_at(&[b'b'; SECTOR], thread * 512).unwrap());
        }
    });
    assert_eq!(sectors(&found(&disk).unwrap()), "bbbbbbbb");
}

#[test]
fn what_is_printed_is_short() {
    let (disk, file) = disk_with_file(1);
    assert_eq!(format!("{disk:?}"), "FaultyDisk of 1 files after 4 boundaries, On");
    assert_eq!(format!("{file:?}"), "log on a faulty disk");
}
