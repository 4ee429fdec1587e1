use super::*;

/// Five snapshots of three streams, and where the records begin and the last one ends.
fn small_file() -> (Vec<u8>, Vec<usize>) {
    let disk = FaultyDisk::new();
    let snapshots = open(&disk);
    let mut places = vec![index(FIRST_RECORD)];
    for (number, version) in SAVED {
        snapshots.save(&snapshot(number, version, 30)).unwrap();
        places.push(end(&snapshots));
    }
    (disk.contents()[FILE_NAME].clone(), places)
}

const SAVED: [(u64, u64); 5] = [(1, 1), (2, 1), (1, 2), (3, 4), (2, 8)];

/// What there should be when only these of the records are.
fn expected(whole: impl Fn(usize) -> bool) -> [Option<Snapshot>; 3] {
    [1, 2, 3].map(|number| {
        let sound = SAVED.iter().enumerate().filter(|(at, _)| whole(*at)).map(|(_, saved)| *saved);
        let version = sound.filter(|(of, _)| *of == number).map(|(_, version)| version).max()?;
        Some(snapshot(number, version, 30))
    })
}

fn found(snapshots: &Snapshots) -> [Option<Snapshot>; 3] {
    [1, 2, 3].map(|number| latest(snapshots, number))
}

/// That a store of this file works, also the next time.
fn check_usable(disk: &FaultyDisk, expected: &[Option<Snapshot>; 3], what: &str) {
    let snapshots = open(disk);
    assert_eq!(&found(&snapshots), expected, "{what}");
    assert_eq!(snapshots.count(), expected.iter().flatten().count() as u64, "{what}");
    snapshots.save(&snapshot(9, 9, 30)).unwrap();
    let (snapshots, report) = open_reporting(disk);
    assert_eq!((report.torn, report.damaged), (vec![], vec![]), "{what}");
    assert_eq!(&found(&snapshots), expected, "{what}");
    assert_eq!(latest(&snapshots, 9), Some(snapshot(9, 9, 30)), "{what}");
}

#[test]
fn no_bit_that_flips_makes_a_wrong_snapshot_or_touches_another() {
    let (bytes, places) = small_file();
    let last = *places.last().unwrap();
    for at in 0..last + 16 {
        for bit in 0..8 {
            let what = format!("bit {bit} of byte {at}");
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            let disk = disk_with(&flipped);
            let reader = Snapshots::open_read_only(Arc::new(disk.clone()), store()).unwrap();
            let (snapshots, report) = open_reporting(&disk);

            let hit = places.windows(2).position(|place| (place[0]..place[1]).contains(&at));
            let all = expected(|_| true);
            let without = expected(|record| Some(record) != hit);
            let found = found(&snapshots);
            let in_padding =
                hit.is_some_and(|record| at >= places[record] + body_end(&bytes, places[record]));
            assert_eq!(found, if in_padding { all } else { without }, "{what}");
            let by_reader = [1, 2, 3].map(|number| reader.latest(&stream(number), Wait::Allowed).unwrap());
            assert_eq!(by_reader, found, "{what}");

            match hit {
                _ if in_padding => assert_eq!((report.torn, report.damaged), (vec![], vec![]), "{what}"),
                // Nothing says that the last one had been durable.
                Some(4) => assert_eq!(report.torn[0].offset, places[4] as u64, "{what}"),
                Some(record) => {
                    assert_eq!(report.damaged.len(), 1, "{what}");
                    let damaged = &report.damaged[0];
                    let length = places[record + 1] - places[record];
                    assert_eq!(
                        (damaged.offset, damaged.bytes),
                        (places[record] as u64, length as u64),
                        "{what}"
                    );
                    assert_eq!(report.torn, [], "{what}");
                }
                None if at < index(FIRST_RECORD) => assert_eq!(report.damaged[0].offset, 0, "{what}"),
                None => assert_eq!(report.torn[0].offset, last as u64, "{what}"),
            }
            check_usable(&disk, &found, &what);
        }
    }
}

#[test]
fn every_prefix_of_the_file_opens_with_the_snapshots_that_are_whole_in_it() {
    let (bytes, places) = small_file();
    for length in 0..=bytes.len() {
        let disk = disk_with(&bytes[..length]);
        let whole = |record: usize| places[record + 1] <= length;
        check_usable(&disk, &expected(whole), &format!("{length} bytes"));
    }
}

fn body_end(bytes: &[u8], record: usize) -> usize {
    RECORD_HEADER_BYTES + index(u64::from_le_bytes(bytes[record + 8..record + 16].try_into().unwrap()))
}

#[test]
fn a_region_of_zeros_or_of_noise_costs_only_what_it_covers() {
    let (bytes, places) = small_file();
    let last = *places.last().unwrap();
    for from in (0..last).step_by(4) {
        for length in [1, 8, 40, 100, 200] {
            let to = (from + length).min(last);
            for noise in [0, 0xa5] {
                let mut damaged = bytes.clone();
                damaged[from..to].fill(noise);
                let whole = |record: usize| {
                    let place = places[record]..places[record] + body_end(&bytes, places[record]);
                    damaged[place.clone()] == bytes[place]
                };
                check_usable(&disk_with(&damaged), &expected(whole), &format!("{from}..{to} with {noise}"));
            }
        }
    }
}

#[test]
fn garbage_of_any_kind_is_put_aside_and_the_store_opens() {
    for garbage in [vec![], vec![0; 10_000], b"ES".repeat(5_000), vec![0xff; 100], b"EVWALSNP".repeat(20)] {
        let disk = disk_with(&garbage);
        let (snapshots, report) = open_reporting(&disk);
        assert_eq!((snapshots.count(), report.damaged.len()), (0, 1));
        assert_eq!(disk.contents()[DAMAGED_NAME], garbage);
        check_usable(&disk, &[None, None, None], "after garbage");
    }
}

#[test]
fn records_of_another_store_or_from_elsewhere_in_the_file_are_not_believed() {
    let (bytes, places) = small_file();
    let record = bytes[places[1]..places[2]].to_vec();
    let mut moved = bytes[..places[1]].to_vec();
    moved.extend([0; 8]);
    moved.extend(&record);
    check_usable(&disk_with(&moved), &[Some(snapshot(1, 1, 30)), None, None], "moved");

    let other = StoreId::from_bytes(*b"another of tests");
    let failure =
        Snapshots::open(Arc::new(disk_with(&bytes)), other, EXTENT, Durability::Always).unwrap_err();
    assert!(
        matches!(&failure, Failure::Damaged(damage) if damage.detail.contains("another store")),
        "{failure}"
    );
}

#[test]
fn a_file_in_a_later_format_is_refused_and_not_touched() {
    let (mut bytes, _) = small_file();
    bytes[8] = 2;
    let checksum = crc32fast::hash(&bytes[..60]);
    bytes[60..64].copy_from_slice(&checksum.to_le_bytes());
    let disk = disk_with(&bytes);
    let failure = open_fallibly(&disk).unwrap_err();
    assert!(failure.to_string().contains("written in format 2"), "{failure}");
    assert_eq!(disk.contents()[FILE_NAME], bytes);
    assert!(Snapshots::open_read_only(Arc::new(disk), store()).is_err());
}

#[test]
fn a_record_that_went_bad_after_opening_is_an_error_and_the_others_are_read_and_rewritten() {
    let disk = FaultyDisk::new();
    let snapshots = open(&disk);
    let at = snapshots.writer.lock().end + 60;
    snapshots.save(&snapshot(1, 1, 100)).unwrap();
    snapshots.save(&snapshot(2, 1, 100)).unwrap();
    disk.flip_bit(FILE_NAME, at, 3).unwrap();
    assert!(matches!(snapshots.latest(&stream(1), Wait::Allowed), Err(Failure::Damaged(_))));
    for version in 2..=40 {
        snapshots.save(&snapshot(2, version, 500)).unwrap();
    }
    assert!(generation(&snapshots) > 1);
    assert_eq!((latest(&snapshots, 1), latest(&snapshots, 2)), (None, Some(snapshot(2, 40, 500))));
    assert_eq!(snapshots.count(), 1);
}

#[test]
fn behind_a_close_whatever_is_not_what_was_written_is_damage() {
    let disk = FaultyDisk::new();
    let snapshots = open(&disk);
    for (number, version) in SAVED {
        snapshots.save(&snapshot(number, version, 30)).unwrap();
    }
    let last = end(&snapshots);
    snapshots.close().unwrap();
    let closed = disk.contents()[FILE_NAME].clone();
    let (first, mark) = (index(FIRST_RECORD), last..last + RECORD_HEADER_BYTES);
    for at in (first..last).step_by(7) {
        let mut flipped = closed.clone();
        flipped[at] ^= 4;
        let (_, report) = open_reporting(&disk_with(&flipped));
        assert_eq!(report.torn, [], "byte {at}");
        let in_padding = report.damaged.is_empty() && report.snapshots == 3;
        assert!(in_padding || report.damaged.len() == 1, "byte {at}: {report:?}");
    }
    // The mark itself is nothing that was saved.
    let mut flipped = closed;
    flipped[mark.start + 8] ^= 4;
    let (snapshots, report) = open_reporting(&disk_with(&flipped));
    assert_eq!((report.torn.len(), report.damaged.len()), (1, 0), "{report:?}");
    assert_eq!(found(&snapshots), expected(|_| true));
}

#[test]
fn a_file_is_marked_once_however_often_it_is_opened_and_closed() {
    let disk = FaultyDisk::new();
    let ends = |saves: u64| {
        let snapshots = open(&disk);
        for number in 0..saves {
            snapshots.save(&snapshot(number, 1, 30)).unwrap();
        }
        snapshots.close().unwrap();
        snapshots.close().unwrap();
        end(&snapshots)
    };
    assert_eq!(ends(0), index(FIRST_RECORD));
    let marked = ends(2);
    assert_eq!((ends(0), ends(0)), (marked, marked));
    let record = (marked - index(FIRST_RECORD) - RECORD_HEADER_BYTES) / 2;
    assert_eq!(ends(1), marked + record + RECORD_HEADER_BYTES);
}

/// A file whose header says that more of it was durable than there is.
#[test]
fn a_file_that_was_cut_off_is_told_of_once_and_does_not_grow() {
    let (bytes, places) = small_file();
    let cut = places[2];
    let header = FileHeader { generation: 1, carried_through: bytes.len() as u64 };
    let mut short = bytes[..cut].to_vec();
    short[..FILE_HEADER_BYTES].copy_from_slice(&header.encode(store()));
    let disk = disk_with(&short);
    let (snapshots, report) = open_reporting(&disk);
    assert_eq!((report.torn.len(), report.damaged.len()), (0, 1), "{report:?}");
    snapshots.close().unwrap();
    let length = file_length(&disk);
    for _ in 0..3 {
        let (snapshots, report) = open_reporting(&disk);
        assert_eq!((report.torn, report.damaged), (vec![], vec![]));
        assert_eq!(found(&snapshots), expected(|record| record < 2));
        snapshots.close().unwrap();
        assert_eq!(file_length(&disk), length);
    }
}
