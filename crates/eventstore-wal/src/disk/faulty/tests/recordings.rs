use super::*;
use crate::disk::faulty::{Faults, SyncFault, When, WriteFault, is_power_loss};

/// Some of everything, up to where the power goes.
fn work(disk: &FaultyDisk) -> std::io::Result<()> {
    let log = disk.open("log", Open::Create)?;
    log.set_len(4096)?;
    log.sync_all()?;
    disk.sync_names()?;
    for append in 0..6 {
        let written = log.write_at(&[b'a' + append; 700], u64::from(append) * 700)?;
        assert!(written > 0);
        if append % 2 == 1 {
            let _ = disk.is_on() && log.sync_data().is_ok();
        }
    }
    let manifest = disk.open("manifest.new", Open::Replace)?;
    manifest.write_at(b"{}", 0)?;
    manifest.sync_all()?;
    disk.rename("manifest.new", "manifest")?;
    disk.sync_names()?;
    log.set_len(1000)?;
    disk.open("manifest", Open::Replace)?.write_at(b"[]", 0)?;
    disk.remove("log")?;
    log.write_at(b"after the end", 0)?;
    disk.sync_names()?;
    log.write_at(b"unseen", 0)?;
    Ok(())
}

fn disk() -> FaultyDisk {
    let disk = FaultyDisk::new();
    let faults = Faults::new(3)
        .on_write(When::OneIn(4), WriteFault::Short)
        .on_write(When::Nth(2), WriteFault::Lost)
        .on_sync(When::Nth(3), SyncFault::Broken);
    disk.set_faults(faults);
    disk
}

#[test]
fn crashes_of_a_recording_are_those_of_running_it_again() {
    let recorded = disk();
    recorded.record();
    work(&recorded).unwrap();
    let recording = recorded.take_recording();
    assert_eq!(recording.boundaries(), 0..recorded.boundaries());
    assert!(recording.boundaries().end > 20);

    let mut points = 0;
    for point in recording.crash_points() {
        let again = disk();
        again.crash_at(point.boundary());
        let outcome = work(&again);
        match point.in_flight() {
            Some(_) => assert!(is_power_loss(&outcome.unwrap_err()), "{point:?}"),
            None => outcome.unwrap(),
        }
        for seed in 0..100 {
            let expected = again.fork().crash(&mut Seeded::new(seed)).contents();
            assert_eq!(point.crash(&mut Seeded::new(seed)).contents(), expected, "{point:?}, seed {seed}");
        }
        points += 1;
    }
    assert_eq!(points, recorded.boundaries() + 1);
}

#[test]
fn any_crash_point_can_be_picked_out() {
    let recorded = disk();
    work(&recorded).unwrap();
    let first = recorded.boundaries();
    recorded.record();
    let file = recorded.open("manifest", Open::Write).unwrap();
    file.write_at(b"one", 0).unwrap();
    file.sync_data().unwrap();
    let recording = recorded.take_recording();
    assert_eq!(recording.boundaries(), first..first + 2);
    assert!(recording.crash_point(first - 1).is_none());
    assert!(recording.crash_point(first + 3).is_none());
    for point in recording.crash_points() {
        let picked = recording.crash_point(point.boundary()).unwrap();
        assert_eq!(format!("{picked:?}"), format!("{point:?}"));
        let (mut some, mut same) = (Seeded::new(9), Seeded::new(9));
        assert_eq!(picked.crash(&mut some).contents(), point.crash(&mut same).contents());
    }
    assert_eq!(recording.crash_points().len(), 3);
    assert_eq!(recording.crash_point(first).unwrap().in_flight().unwrap(), "write 3 bytes at 0 of file 1");
}

#[test]
fn a_point_can_be_kept_while_others_are_made() {
    let recorded = FaultyDisk::new();
    recorded.record();
    work(&recorded).unwrap();
    let recording = recorded.take_recording();
    let points: Vec<_> = recording.crash_points().collect();
    for (point, fresh) in points.iter().zip(recording.crash_points()) {
        let kept = point.crash(&mut Seeded::new(5)).contents();
        assert_eq!(kept, fresh.crash(&mut Seeded::new(5)).contents());
    }
}

#[test]
fn what_a_killed_process_leaves_is_all_that_was_written() {
    let recorded = FaultyDisk::new();
    recorded.record();
    let file = recorded.open("log", Open::Create).unwrap();
    file.write_at(b"a", 0).unwrap();
    let recording = recorded.take_recording();
    let killed = recording.crash_point(1).unwrap().kill();
    assert_eq!(found(&killed).unwrap(), b"a");
    assert_eq!(all_crashes(&killed).0, set(&["gone", "", "0", "a"]));
}

#[test]
fn a_recording_goes_on_after_a_kill() {
    let disk = FaultyDisk::new();
    disk.record();
    disk.open("log", Open::Create).unwrap();
    let next = disk.kill();
    next.open("log", Open::Write).unwrap().write_at(b"a", 0).unwrap();
    assert_eq!(next.take_recording().boundaries(), 0..2);
}

#[test]
fn what_was_acknowledged_is_found_at_every_later_point() {
    let disk = FaultyDisk::new();
    disk.record();
    let file = disk.open("log", Open::Create).unwrap();
    disk.sync_names().unwrap();
    let mut acknowledged = Vec::new();
    for append in 0..5_u8 {
        file.write_at(&[append + 1; 300], u64::from(append) * 300).unwrap();
        file.sync_data().unwrap();
        acknowledged.push(disk.boundaries());
    }
    for point in disk.take_recording().crash_points() {
        let least = acknowledged.iter().filter(|boundary| **boundary <= point.boundary()).count();
        for seed in 0..50 {
            let bytes = found(&point.crash(&mut Seeded::new(seed))).unwrap_or_default();
            for append in 0..least {
                assert!(bytes[append * 300..][..300].iter().all(|byte| usize::from(*byte) == append + 1));
            }
        }
    }
}
