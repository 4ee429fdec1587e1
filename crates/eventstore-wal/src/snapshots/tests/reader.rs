use super::*;
use crate::disk::{DiskFile, FewOpenFiles};

fn read(disk: &FaultyDisk) -> SnapshotsReader {
    Snapshots::open_read_only(Arc::new(disk.clone()), store()).unwrap()
}

fn seen(reader: &SnapshotsReader, number: u64) -> Option<Snapshot> {
    reader.refresh().unwrap();
    reader.latest(&stream(number), Wait::Allowed).unwrap()
}

#[test]
fn a_reader_sees_what_another_process_saves_through_rewrites_and_reopening() {
    let disk = FaultyDisk::new();
    let reader = read(&disk);
    assert_eq!((seen(&reader, 1), reader.count()), (None, 0));
    let mut snapshots = open(&disk);
    for version in 1..=40 {
        snapshots.save(&snapshot(version % 2, version, 500)).unwrap();
        assert_eq!(seen(&reader, version % 2), Some(snapshot(version % 2, version, 500)));
        if version % 16 == 0 {
            snapshots = open(&disk);
        }
    }
    assert!(generation(&snapshots) > 2);
    assert_eq!(reader.count(), 2);
}

#[test]
fn a_reader_that_has_not_refreshed_sees_what_it_saw_although_the_file_was_rewritten() {
    let disk = FaultyDisk::new();
    let snapshots = open(&disk);
    snapshots.save(&snapshot(1, 1, 500)).unwrap();
    let reader = read(&disk);
    for version in 2..=40 {
        snapshots.save(&snapshot(1, version, 500)).unwrap();
    }
    assert_eq!(reader.latest(&stream(1), Wait::Allowed).unwrap(), Some(snapshot(1, 1, 500)));
    assert_eq!(seen(&reader, 1), Some(snapshot(1, 40, 500)));
}

#[test]
fn a_reader_sees_no_part_of_a_record_and_all_of_it_when_it_is_there() {
    let disk = FaultyDisk::new();
    let snapshots = open(&disk);
    snapshots.save(&snapshot(1, 1, 50)).unwrap();
    let before = disk.contents()[FILE_NAME].clone();
    let second = end(&snapshots);
    snapshots.save(&snapshot(1, 2, 50)).unwrap();
    let last = end(&snapshots);
    let after = disk.contents()[FILE_NAME].clone();

    for cut in second..last {
        let disk = disk_with(&[&after[..cut], &before[cut..]].concat());
        let reader = read(&disk);
        let whole = after[cut..last] == before[cut..last];
        assert_eq!(seen(&reader, 1).unwrap().version, Version::new(1 + u64::from(whole)), "cut at {cut}");
        disk.open(FILE_NAME, Open::Write).unwrap().write_at(&after, 0).unwrap();
        assert_eq!(seen(&reader, 1), Some(snapshot(1, 2, 50)));
    }
}

#[test]
fn a_reader_whose_disk_opens_the_file_again_by_its_name_sees_no_damage() {
    let disk = FaultyDisk::new();
    let others: Vec<_> = (0..300).map(|number| number.to_string()).collect();
    for other in &others {
        disk.open(other, Open::Create).unwrap();
    }
    let snapshots = open(&disk);
    snapshots.save(&snapshot(1, 1, 500)).unwrap();
    let few: Arc<dyn Disk> = Arc::new(FewOpenFiles::on(Arc::new(disk.clone())));
    let reader = Snapshots::open_read_only(Arc::clone(&few), store()).unwrap();
    for version in 2..=40 {
        snapshots.save(&snapshot(1, version, 500)).unwrap();
    }
    // Twice: the first time it is spared, because it was read.
    let _kept_open =
        [(); 2].map(|()| others.iter().map(|it| few.open(it, Open::Read).unwrap()).collect::<Vec<_>>());
    let would_wait = reader.latest(&stream(1), Wait::Never);
    assert!(matches!(would_wait, Err(Failure::WouldWait)), "it was closed: {would_wait:?}");
    assert_eq!(reader.latest(&stream(1), Wait::Allowed).unwrap(), Some(snapshot(1, 40, 500)));
}

/// A file of which the first read of records shows the first record as it was before it was written.
#[derive(Debug)]
struct Racing {
    file: Arc<dyn DiskFile>,
    first: Mutex<Option<Vec<u8>>>,
}

impl DiskFile for Racing {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let read = self.file.read_at(buffer, offset)?;
        if let Some(before) = self.first.lock().take() {
            buffer[..before.len()].copy_from_slice(&before);
        }
        Ok(read)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
        unreachable!()
    }

    fn sync_data(&self) -> io::Result<()> {
        unreachable!()
    }

    fn sync_all(&self) -> io::Result<()> {
        unreachable!()
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        unreachable!()
    }

    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }
}

#[test]
fn a_record_that_one_read_shows_half_and_the_one_behind_it_whole_is_read_again() {
    let disk = FaultyDisk::new();
    let snapshots = open(&disk);
    snapshots.save(&snapshot(1, 1, 50)).unwrap();
    snapshots.save(&snapshot(2, 1, 50)).unwrap();
    let file =
        Racing { file: disk.open(FILE_NAME, Open::Read).unwrap(), first: Mutex::new(Some(vec![0; 60])) };
    let mut found = contents::Places::default();
    let scanned =
        read(&disk).scan_settled(&file, FIRST_RECORD, Some(1), |key, place| found.offer(key, place));
    assert_eq!(found.count(), 2);
    assert_eq!(index(scanned.unwrap().1), end(&snapshots));
}

#[test]
fn a_reader_beside_a_writing_thread_never_sees_a_version_go_back() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(crate::disk::Directory::existing(directory.path()).unwrap());
    let snapshots = Snapshots::open_with(disk.clone(), store(), options(Durability::OsBuffered)).unwrap().0;
    let reader = Snapshots::open_read_only(disk, store()).unwrap();
    const LAST: u64 = 5000;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for version in 1..=LAST {
                snapshots.save(&snapshot(version % 3, version, 300)).unwrap();
            }
        });
        let mut before = [0; 3];
        while before.iter().max() != Some(&LAST) {
            reader.refresh().unwrap();
            for number in 0..3 {
                let Some(found) = reader.latest(&stream(number), Wait::Allowed).unwrap() else { continue };
                let version = found.version.get();
                assert_eq!(found, snapshot(number, version, 300));
                assert!(version >= before[index(number)]);
                before[index(number)] = version;
            }
        }
    });
}
