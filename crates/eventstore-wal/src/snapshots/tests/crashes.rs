use std::collections::BTreeMap;

use super::*;
use crate::disk::faulty::{Always, Chooser, Recording, Seeded};

/// What was acknowledged as durable: at which boundary, of which stream, which version.
type Acknowledged = Vec<(u64, u64, u64)>;

const PAYLOAD: usize = 700;

/// Ten saves of three streams, with a rewrite among them, and a close.
fn ten_saves() -> (Recording, Acknowledged) {
    let disk = FaultyDisk::new();
    disk.record();
    let snapshots = open(&disk);
    let mut acknowledged = Vec::new();
    for version in 1..=10 {
        let number = if version == 2 { 2 } else { version % 2 };
        snapshots.save(&snapshot(number, version, PAYLOAD)).unwrap();
        acknowledged.push((disk.boundaries(), number, version));
    }
    assert_eq!(generation(&snapshots), 2, "exactly one rewrite");
    let saved = disk.boundaries();
    snapshots.close().unwrap();
    assert!(disk.boundaries() > saved, "it says that it is closed");
    (disk.take_recording(), acknowledged)
}

/// Every acknowledged snapshot is there or a later one of the same stream, whole; and what is shown stays.
fn check(disk: &FaultyDisk, acknowledged: &Acknowledged, boundary: u64, what: &str) {
    let (snapshots, report) = open_reporting(disk);
    assert_eq!(report.damaged, [], "{what}");
    let mut shown = BTreeMap::new();
    for number in 0..3 {
        let of_stream = acknowledged.iter().filter(|(at, of, _)| *at <= boundary && *of == number);
        let least = of_stream.map(|(_, _, version)| *version).max();
        match latest(&snapshots, number) {
            None => assert_eq!(least, None, "{what}"),
            Some(found) => {
                let version = found.version.get();
                assert!(Some(version) >= least, "{what}");
                assert_eq!(found, snapshot(number, version, PAYLOAD), "{what}");
                shown.insert(number, found);
            }
        }
    }
    assert_eq!(snapshots.count(), shown.len() as u64, "{what}");
    snapshots.save(&snapshot(8, 1, PAYLOAD)).unwrap();
    shown.insert(8, snapshot(8, 1, PAYLOAD));

    let after = disk.crash(&mut Always::Oldest);
    let (snapshots, report) = open_reporting(&after);
    assert_eq!((report.torn, report.damaged), (vec![], vec![]), "{what}");
    for (number, found) in shown {
        assert_eq!(latest(&snapshots, number), Some(found), "{what}");
    }
    snapshots.save(&snapshot(1, 99, PAYLOAD)).unwrap();
    assert_eq!(latest(&open(&after.crash(&mut Always::Oldest)), 1), Some(snapshot(1, 99, PAYLOAD)), "{what}");
}

#[test]
fn a_crash_at_any_point_loses_no_acknowledged_snapshot() {
    let (recording, acknowledged) = ten_saves();
    for point in recording.crash_points() {
        let mut choosers: Vec<Box<dyn Chooser>> = vec![Box::new(Always::Oldest), Box::new(Always::Newest)];
        choosers.extend((0..30).map(|seed| Box::new(Seeded::new(seed)) as _));
        for (number, chooser) in choosers.iter_mut().enumerate() {
            let what = format!("{point:?}, chooser {number}");
            check(&point.crash(&mut **chooser), &acknowledged, point.boundary(), &what);
        }
        check(&point.kill(), &acknowledged, point.boundary(), &format!("{point:?}, killed"));
    }
}

#[test]
fn a_crash_while_recovering_changes_nothing() {
    let (recording, acknowledged) = ten_saves();
    for point in recording.crash_points() {
        for seed in 0..4 {
            let disk = point.crash(&mut Seeded::new(seed));
            disk.record();
            drop(open(&disk));
            for again in disk.take_recording().crash_points() {
                let what = format!("{point:?}, seed {seed}, then {again:?}");
                check(&again.crash(&mut Seeded::new(seed + 7)), &acknowledged, point.boundary(), &what);
            }
        }
    }
}

#[test]
fn saves_that_were_written_together_may_survive_in_any_choice_and_are_never_damage() {
    let disk = FaultyDisk::new();
    open(&disk).save(&snapshot(0, 1, PAYLOAD)).unwrap();
    let buffered = options(Durability::OsBuffered);
    let (snapshots, _) = Snapshots::open_with(Arc::new(disk.clone()), store(), buffered).unwrap();
    for number in 1..6 {
        snapshots.save(&snapshot(number, 1, PAYLOAD)).unwrap();
    }
    let mut torn_in_the_middle = 0;
    for seed in 0..200 {
        let disk = disk.fork().crash(&mut Seeded::new(seed));
        let (snapshots, report) = open_reporting(&disk);
        assert_eq!(report.damaged, [], "seed {seed}");
        let is_in_the_middle = report.torn.first().is_some_and(|torn| index(torn.offset) < end(&snapshots));
        torn_in_the_middle += u32::from(is_in_the_middle);
        assert_eq!(latest(&snapshots, 0), Some(snapshot(0, 1, PAYLOAD)));
        let found: Vec<_> = (1..6).map(|number| latest(&snapshots, number)).collect();
        for (number, found) in (1..6).zip(&found) {
            assert!(found.is_none() || *found == Some(snapshot(number, 1, PAYLOAD)));
        }
        // With the word of a later record that all before it was durable, it would be damage.
        snapshots.save(&snapshot(7, 1, PAYLOAD)).unwrap();
        let (snapshots, report) = open_reporting(&disk);
        assert_eq!((report.torn, report.damaged), (vec![], vec![]), "seed {seed}");
        assert_eq!((1..6).map(|number| latest(&snapshots, number)).collect::<Vec<_>>(), found);
    }
    assert!(torn_in_the_middle > 20, "the test would show nothing: {torn_in_the_middle}");
}

#[test]
fn what_was_only_written_survives_a_kill_and_what_was_flushed_survives_a_crash() {
    let disk = FaultyDisk::new();
    let buffered = options(Durability::OsBuffered);
    let (snapshots, _) = Snapshots::open_with(Arc::new(disk.clone()), store(), buffered).unwrap();
    snapshots.save(&snapshot(1, 1, PAYLOAD)).unwrap();
    snapshots.flush().unwrap();
    let boundaries = disk.boundaries();
    snapshots.flush().unwrap();
    assert_eq!(disk.boundaries(), boundaries, "there was nothing to sync");
    snapshots.save(&snapshot(1, 2, PAYLOAD)).unwrap();
    let crashed = disk.fork().crash(&mut Always::Oldest);
    assert_eq!(latest(&open(&crashed), 1), Some(snapshot(1, 1, PAYLOAD)));
    assert_eq!(latest(&open(&disk.kill()), 1), Some(snapshot(1, 2, PAYLOAD)));
}

#[test]
fn whoever_is_superseded_is_acknowledged_when_the_greater_version_is_durable() {
    let disk = FaultyDisk::new();
    let snapshots = open(&disk);
    // Another save has written this, and waits for its sync.
    snapshots.write(Record::of(&snapshot(1, 5, PAYLOAD))).unwrap();
    snapshots.save(&snapshot(1, 4, PAYLOAD)).unwrap();
    let disk = disk.crash(&mut Always::Oldest);
    assert_eq!(latest(&open(&disk), 1), Some(snapshot(1, 5, PAYLOAD)));
}
