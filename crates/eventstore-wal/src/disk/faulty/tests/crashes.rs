use std::collections::BTreeSet;

use super::*;
use crate::disk::faulty::SectorSize;

#[test]
fn synced_data_survives_every_crash() {
    let (disk, file) = disk_with_file(3);
    file.write_at(&[b'b'; SECTOR], 512).unwrap();
    file.sync_all().unwrap();
    assert_eq!(all_crashes(&disk), (set(&["aba"]), 1));
    assert!(SEEDS.into_iter().all(|seed| after_seed(&disk, seed) == "aba"));
}

#[test]
fn unsynced_data_is_old_or_new_by_sector_and_both_occur() {
    let (disk, file) = disk_with_file(2);
    file.write_at(&[b'b'; 2 * SECTOR], 0).unwrap();
    let seen: BTreeSet<String> = SEEDS.map(|seed| after_seed(&disk, seed)).collect();
    assert_eq!(seen, set(&["aa", "ab", "ba", "bb"]));
}

#[test]
fn sectors_of_one_write_survive_in_any_order() {
    let (disk, file) = disk_with_file(3);
    file.write_at(&[b'b'; 3 * SECTOR], 0).unwrap();
    let all = set(&["aaa", "aab", "aba", "abb", "baa", "bab", "bba", "bbb"]);
    assert_eq!(all_crashes(&disk), (all, 8));
}

#[test]
fn a_sector_written_often_survives_in_any_of_its_versions() {
    let (disk, file) = disk_with_file(1);
    for version in *b"bcd" {
        file.write_at(&[version; SECTOR], 0).unwrap();
    }
    assert_eq!(all_crashes(&disk), (set(&["a", "b", "c", "d"]), 4));
}

#[test]
fn a_write_of_what_is_there_adds_no_version() {
    let (disk, file) = disk_with_file(1);
    file.write_at(&[b'a'; SECTOR], 0).unwrap();
    assert_eq!(all_crashes(&disk).1, 1);
    file.write_at(&[b'b'; SECTOR], 0).unwrap();
    file.write_at(&[b'b'; SECTOR], 0).unwrap();
    assert_eq!(all_crashes(&disk), (set(&["a", "b"]), 2));
}

#[test]
fn a_part_of_a_sector_that_was_not_written_stays() {
    let (disk, file) = disk_with_file(1);
    file.write_at(b"b", 7).unwrap();
    let (old, new) = extremes(&disk);
    assert_eq!(old.unwrap(), [b'a'; SECTOR]);
    let mut expected = [b'a'; SECTOR];
    expected[7] = b'b';
    assert_eq!(new.unwrap(), expected);
}

#[test]
fn the_length_and_the_data_persist_separately() {
    let (disk, file) = disk_with_file(1);
    file.write_at(&[b'b'; SECTOR], 512).unwrap();
    // The length may survive without the data, but data beyond the length is lost.
    assert_eq!(all_crashes(&disk), (set(&["a", "a0", "ab"]), 3));
    file.write_at(&[b'c'; SECTOR], 1024).unwrap();
    let all = set(&["a", "a0", "ab", "a00", "a0c", "ab0", "abc"]);
    assert_eq!(all_crashes(&disk), (all, 1 + 2 + 4));
}

#[test]
fn a_file_that_was_lengthened_holds_zeros() {
    let (disk, file) = disk_with_file(1);
    file.set_len(3 * 512).unwrap();
    assert_eq!(all_crashes(&disk), (set(&["a", "a00"]), 2));
    file.sync_data().unwrap();
    assert_eq!(all_crashes(&disk), (set(&["a00"]), 1));
}

#[test]
fn what_was_cut_off_never_comes_back_behind_a_length_set_later() {
    let (disk, file) = disk_with_file(3);
    file.set_len(512).unwrap();
    file.set_len(3 * 512).unwrap();
    assert_eq!(all_crashes(&disk).0, set(&["aaa", "a", "a00"]));
    file.write_at(&[b'b'; SECTOR], 1024).unwrap();
    assert!(!all_crashes(&disk).0.contains("aa0"));
    file.sync_data().unwrap();
    assert_eq!(all_crashes(&disk), (set(&["a0b"]), 1));
}

#[test]
fn bytes_cut_off_within_a_sector_are_zero_when_the_file_grows_again() {
    let (disk, file) = disk_with_file(1);
    file.write_at(&[b'b'; SECTOR], 0).unwrap();
    file.set_len(100).unwrap();
    file.set_len(512).unwrap();
    file.sync_data().unwrap();
    let (old, new) = extremes(&disk);
    assert_eq!(old, new);
    let bytes = new.unwrap();
    assert_eq!((&bytes[..100], &bytes[100..]), (&[b'b'; 100][..], &[0; 412][..]));
}

#[test]
fn writing_what_was_cut_off_once_more_makes_it_durable() {
    let (disk, file) = disk_with_file(1);
    file.set_len(0).unwrap();
    file.write_at(&[b'a'; SECTOR], 0).unwrap();
    file.sync_data().unwrap();
    assert_eq!(all_crashes(&disk), (set(&["a"]), 1));
    file.write_at(&[b'b'; SECTOR], 0).unwrap();
    file.set_len(0).unwrap();
    file.write_at(&[b'b'; SECTOR], 0).unwrap();
    file.sync_data().unwrap();
    assert_eq!(all_crashes(&disk), (set(&["b"]), 1));
}

#[test]
fn the_sector_size_is_a_choice() {
    assert_eq!(SectorSize::new(513), None);
    assert_eq!(SectorSize::new(8192), None);
    let disk = FaultyDisk::with_sectors(SectorSize::new(1).unwrap());
    let file = disk.open("log", Open::Create).unwrap();
    file.write_at(b"aa", 0).unwrap();
    file.sync_data().unwrap();
    disk.sync_names().unwrap();
    file.write_at(b"bb", 0).unwrap();
    let mut every = Exhaustive::new(8);
    let mut states = Vec::new();
    while every.advance() {
        states.push(found(&disk.fork().crash(&mut every)).unwrap());
    }
    assert_eq!(states, [b"aa", b"ab", b"ba", b"bb"]);
}

#[test]
fn the_same_seed_gives_the_same_crash() {
    let (disk, file) = disk_with_file(8);
    file.write_at(&[b'b'; 12 * SECTOR], 0).unwrap();
    disk.rename("log", "other").unwrap();
    for seed in SEEDS {
        let once = disk.fork().crash(&mut Seeded::new(seed));
        let again = disk.fork().crash(&mut Seeded::new(seed));
        assert_eq!(once.contents(), again.contents());
        assert_eq!(once.fingerprint(), again.fingerprint());
    }
}

#[test]
fn equal_contents_have_equal_fingerprints_and_others_do_not() {
    let (disk, file) = disk_with_file(2);
    let with_hole = disk.fork();
    with_hole.open("log", Open::Write).unwrap().set_len(9000).unwrap();
    file.write_at(&[0; 9000 - 1024], 1024).unwrap();
    assert_eq!(disk.contents(), with_hole.contents());
    assert_eq!(disk.fingerprint(), with_hole.fingerprint());
    disk.flip_bit("log", 700, 3).unwrap();
    assert_ne!(disk.fingerprint(), with_hole.fingerprint());
}

#[test]
fn after_a_crash_all_is_durable() {
    let (disk, file) = disk_with_file(4);
    file.write_at(&[b'b'; 4 * SECTOR], 0).unwrap();
    let after = disk.crash(&mut Seeded::new(3));
    assert_eq!(all_crashes(&after).1, 1);
    assert_eq!(after.boundaries(), 0);
}
