use std::io::ErrorKind;

use super::*;
use crate::disk::{
    faulty::{ChangeFault, Faults, ReadFault, SyncFault, When, WriteFault, is_injected},
    read_whole, write_all,
};

#[test]
fn a_short_write_takes_a_part_and_says_so() {
    let (disk, file) = disk_with_file(2);
    for seed in SEEDS {
        disk.set_faults(Faults::new(seed).on_write(When::Nth(0), WriteFault::Short));
        let taken = file.write_at(&[b'b'; 700], 0).unwrap();
        assert!((1..700).contains(&taken));
        assert!(found(&disk).unwrap()[..taken].iter().all(|byte| *byte == b'b'));
        assert_eq!(found(&disk).unwrap()[taken], b'a');
        file.write_at(&[b'a'; 700], 0).unwrap();
    }
}

#[test]
fn short_and_interrupted_reads_and_writes_get_there_in_the_end() {
    let (disk, file) = disk_with_file(1);
    let faults = Faults::new(1)
        .on_write(When::OneIn(2), WriteFault::Short)
        .on_write(When::OneIn(3), WriteFault::Interrupted)
        .on_read(When::OneIn(2), ReadFault::Short)
        .on_read(When::OneIn(3), ReadFault::Interrupted);
    disk.set_faults(faults);
    let bytes: Vec<u8> = (0..=255).cycle().take(9000).collect();
    write_all(&*file, &bytes, 100).unwrap();
    assert_eq!(read_whole(&disk, "log", u64::MAX).unwrap()[100..], bytes);
}

#[test]
fn the_nth_read_and_write_fail_and_no_other() {
    let (disk, file) = disk_with_file(1);
    let faults = Faults::new(0)
        .on_read(When::Nth(1), ReadFault::Broken)
        .on_write(When::Nth(1), WriteFault::Full)
        .on_sync(When::Nth(1), SyncFault::Interrupted)
        .on_change(When::Nth(1), ChangeFault::Full)
        .on_change(When::Nth(2), ChangeFault::Broken);
    disk.set_faults(faults);
    let mut buffer = [0; 4];
    let reads = [(); 3].map(|()| file.read_at(&mut buffer, 0).map_err(|error| is_injected(&error)));
    assert_eq!(reads, [Ok(4), Err(true), Ok(4)]);
    let writes = [(); 3].map(|()| file.write_at(b"b", 0).map_err(|error| error.kind()));
    assert_eq!(writes, [Ok(1), Err(ErrorKind::StorageFull), Ok(1)]);
    let syncs = [(); 3].map(|()| file.sync_data().map_err(|error| error.kind()));
    assert_eq!(syncs, [Ok(()), Err(ErrorKind::Interrupted), Ok(())]);
    let changes = [7, 8, 9, 10].map(|length| file.set_len(length).map_err(|error| error.kind()));
    assert_eq!(changes, [Ok(()), Err(ErrorKind::StorageFull), Err(ErrorKind::Other), Ok(())]);
}

#[test]
fn a_fault_can_be_tied_to_a_boundary() {
    let (disk, file) = disk_with_file(1);
    disk.set_faults(Faults::new(0).on_write(When::Boundary(disk.boundaries() + 1), WriteFault::Full));
    file.sync_data().unwrap();
    assert_eq!(file.write_at(b"b", 0).unwrap_err().kind(), ErrorKind::StorageFull);
    file.write_at(b"b", 0).unwrap();
}

#[test]
fn a_write_that_fails_may_have_happened_in_part() {
    let (disk, file) = disk_with_file(2);
    let mut written = BTreeSet::new();
    for seed in SEEDS {
        file.write_at(&[b'a'; 2 * SECTOR], 0).unwrap();
        disk.set_faults(Faults::new(seed).on_write(When::Nth(0), WriteFault::Broken));
        file.write_at(&[b'b'; 2 * SECTOR], 0).unwrap_err();
        written.insert(sectors(&found(&disk).unwrap()));
    }
    assert_eq!(written, set(&["aa", "ba", "bb"]));
}

#[test]
fn a_full_disk_takes_what_fits_and_then_refuses_until_there_is_room() {
    let (disk, file) = disk_with_file(1);
    disk.set_faults(Faults::new(0).capacity(3 * 4096));
    assert_eq!(file.write_at(&[b'b'; 20_000], 0).unwrap(), 3 * 4096);
    assert_eq!(file.write_at(b"b", 3 * 4096).unwrap_err().kind(), ErrorKind::StorageFull);
    file.write_at(b"c", 100).unwrap();
    // A length reserves nothing.
    file.set_len(1 << 20).unwrap();
    assert_eq!(file.write_at(b"b", 1 << 19).unwrap_err().kind(), ErrorKind::StorageFull);
    file.set_len(2 * 4096).unwrap();
    assert_eq!(disk.allocated(), 2 * 4096);
    file.write_at(b"b", 2 * 4096).unwrap();
}

#[test]
fn removing_a_file_makes_room() {
    let (disk, file) = disk_with_file(1);
    disk.set_faults(Faults::new(0).capacity(4096));
    let other = disk.open("other", Open::Create).unwrap();
    other.write_at(b"b", 0).unwrap_err();
    disk.remove("log").unwrap();
    other.write_at(b"b", 0).unwrap_err();
    drop(file);
    other.write_at(b"b", 0).unwrap();
}

#[test]
fn a_lost_write_is_seen_until_the_power_goes() {
    let (disk, file) = disk_with_file(2);
    disk.set_faults(Faults::new(0).on_write(When::Nth(1), WriteFault::Lost));
    file.write_at(&[b'b'; SECTOR], 0).unwrap();
    file.write_at(&[b'c'; 2 * SECTOR], 0).unwrap();
    file.sync_data().unwrap();
    assert_eq!(sectors(&found(&disk).unwrap()), "cc");
    assert_eq!(all_crashes(&disk), (set(&["ba"]), 1));
}

#[test]
fn a_misplaced_write_lands_elsewhere_live_and_durable() {
    let (disk, file) = disk_with_file(3);
    disk.set_faults(Faults::new(0).on_write(When::Nth(0), WriteFault::Misplaced(1024)));
    assert_eq!(file.write_at(&[b'b'; SECTOR], 0).unwrap(), SECTOR);
    assert_eq!(sectors(&found(&disk).unwrap()), "aab");
    file.sync_data().unwrap();
    assert_eq!(all_crashes(&disk), (set(&["aab"]), 1));
}

#[test]
fn a_flipped_bit_is_flipped_for_reads_and_after_crashes() {
    let (disk, file) = disk_with_file(1);
    file.write_at(&[b'a'; 10], 512).unwrap();
    disk.flip_bit("log", 3, 1).unwrap();
    disk.flip_bit("log", 515, 1).unwrap();
    assert_eq!(disk.flip_bit("log", 522, 1).unwrap_err().kind(), ErrorKind::InvalidInput);
    let (old, new) = extremes(&disk);
    assert_eq!((old.unwrap()[3], &new.unwrap()[512..516]), (b'c', &b"aaac"[..]));
    assert_eq!(found(&disk).unwrap()[3], b'c');
}

#[test]
fn a_read_that_may_not_wait_is_served_or_not() {
    let (disk, file) = disk_with_file(1);
    let mut buffer = [0; 4];
    assert_eq!(file.read_at_if_cached(&mut buffer, 0).unwrap(), Some(4));
    disk.set_faults(Faults::new(5).uncached(When::OneIn(2)));
    let seen: BTreeSet<_> = SEEDS.map(|_| file.read_at_if_cached(&mut buffer, 0).unwrap()).collect();
    assert_eq!(seen, [None, Some(4)].into());
}

#[test]
fn an_offset_beyond_all_files_is_refused() {
    let (_, file) = disk_with_file(1);
    assert_eq!(file.write_at(b"b", u64::MAX).unwrap_err().kind(), ErrorKind::FileTooLarge);
    assert_eq!(file.set_len(1 << 50).unwrap_err().kind(), ErrorKind::FileTooLarge);
    assert_eq!(file.read_at(&mut [0; 4], u64::MAX).unwrap(), 0);
}
