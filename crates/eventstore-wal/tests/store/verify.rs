//! A verification finds every damage of a store, where it is, and none in a store that is sound.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::{fs, path::Path};

use eventstore_api::{
    EventStoreBackend, EventType, ExpectedVersion, GlobalPosition, ReadAll, Snapshot, StoreError, Version,
    message_with_causes,
};
use eventstore_wal::{Damage, VerifyProgress, VerifyReport, WalBackend, WalConfig, verify, verify_with};
use tempfile::TempDir;

use crate::support::{self, append, contents, copy, files, flip, frames, open};

/// A store of this many events that was closed.
async fn closed_store(events: usize) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..events).await;
    store.close().await.unwrap();
    directory
}

/// A store of this many events as it was while it was open.
async fn crashed_store(events: usize) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..events).await;
    copy(directory.path())
}

#[track_caller]
fn assert_sound(report: &VerifyReport, events: u64) {
    assert!(report.is_sound(), "{report}: {:?} {:?}", report.damages, report.rebuildable);
    assert_eq!((report.events, report.head.get()), (events, events));
    assert_eq!(report.streams, events.min(7));
}

#[track_caller]
fn assert_at(damage: &Damage, file: &Path, offset: usize) {
    assert_eq!((Path::new(&damage.file), damage.offset), (file, offset as u64), "{}", damage.detail);
}

#[tokio::test]
async fn a_store_that_was_closed_is_sound() {
    let directory = closed_store(200).await;
    let before = contents(directory.path());
    let report = verify(directory.path()).unwrap();
    assert_sound(&report, 200);
    assert!(report.segments > 5, "{report}");
    assert_eq!(report.notes, Vec::<String>::new());
    assert_eq!(report.torn_tail, None);
    assert_eq!(contents(directory.path()), before, "nothing is changed");
}

/// Where the streams of a segment begin is not known of it alone.
#[tokio::test]
async fn an_index_that_was_made_anew_by_a_writer_is_sound() {
    let directory = closed_store(200).await;
    let index = files(directory.path(), ".idx").remove(2);
    let before = fs::read(&index).unwrap();
    // The last section leads to positions.
    flip(&index, before.len() - 1);
    assert!(!verify(directory.path()).unwrap().is_sound());
    let store = open(directory.path());
    for position in 0..190 {
        let query = ReadAll::after(GlobalPosition::new(position)).limit(10);
        assert_eq!(store.read_all(&query).await.unwrap().events.len(), 10);
    }
    store.close().await.unwrap();
    let after = fs::read(&index).unwrap();
    assert!(after.last() == before.last() && after != before, "it was not made anew of its segment alone");
    assert_sound(&verify(directory.path()).unwrap(), 200);

    flip(&index, after.len() - 1);
    assert!(!verify(directory.path()).unwrap().is_sound());
}

#[tokio::test]
async fn a_store_of_one_segment_or_of_none_is_sound() {
    for events in [0, 1, 5] {
        let directory = closed_store(events).await;
        assert_sound(&verify(directory.path()).unwrap(), events as u64);
    }
}

#[tokio::test]
async fn a_store_that_was_closed_and_reopened_is_sound() {
    let directory = closed_store(50).await;
    for round in 0..4 {
        let store = open(directory.path());
        append(&store, 50 + round * 10..60 + round * 10).await;
        store.close().await.unwrap();
        assert_sound(&verify(directory.path()).unwrap(), 60 + round as u64 * 10);
    }
}

#[tokio::test]
async fn a_store_that_was_never_closed_is_sound() {
    let directory = crashed_store(100).await;
    assert_sound(&verify(directory.path()).unwrap(), 100);
    drop(open(directory.path()));
    assert_sound(&verify(directory.path()).unwrap(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_written_meanwhile_is_sound() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..7).await;
    let writing = tokio::spawn(async move {
        append(&store, 7..400).await;
        store
    });
    let mut rounds = 0;
    while !writing.is_finished() || rounds < 3 {
        let report = verify(directory.path()).unwrap();
        assert!(report.is_sound(), "{report}: {:?} {:?}", report.damages, report.rebuildable);
        rounds += 1;
    }
    writing.await.unwrap();
    assert_sound(&verify(directory.path()).unwrap(), 400);
}

#[tokio::test]
async fn every_byte_of_a_sealed_segment_is_checked() {
    let directory = closed_store(60).await;
    let segment = &files(directory.path(), ".wal")[1];
    let whole = fs::read(segment).unwrap();
    let frames = frames(segment);
    assert_eq!(frames.last(), Some(&whole.len()));
    for offset in (0..whole.len()).step_by(7) {
        flip(segment, offset);
        let report = verify(directory.path()).unwrap();
        let frame = frames.iter().rev().find(|frame| **frame <= offset).map_or(0, |frame| *frame);
        assert!(!report.is_sound(), "byte {offset}");
        assert_at(&report.damages[0], segment, frame);
        fs::write(segment, &whole).unwrap();
    }
    assert!(verify(directory.path()).unwrap().is_sound());
}

#[tokio::test]
async fn what_lies_behind_damage_is_gone_through_too() {
    let directory = closed_store(60).await;
    let segments = files(directory.path(), ".wal");
    let of_second = frames(&segments[1]);
    flip(&segments[1], of_second[1] + 50); // a body
    flip(&segments[1], of_second[4] + 9); // a header
    let of_third = frames(&segments[2]);
    flip(&segments[2], of_third[0] + 60);
    let report = verify(directory.path()).unwrap();
    assert_eq!(report.damages.len(), 3, "{:?}", report.damages);
    assert_at(&report.damages[0], &segments[1], of_second[1]);
    assert_at(&report.damages[1], &segments[1], of_second[4]);
    assert_at(&report.damages[2], &segments[2], of_third[0]);
    assert_eq!((report.events, report.head.get()), (57, 60));
    assert_eq!(report.rebuildable, []);
    assert!(report.to_string().ends_with("damaged at 3 places"), "{report}");
}

#[tokio::test]
async fn every_byte_of_an_active_segment_is_checked_as_far_as_it_is_known_to_be_durable() {
    let directory = crashed_store(20).await;
    let segment = files(directory.path(), ".wal").pop().unwrap();
    let whole = fs::read(&segment).unwrap();
    let frames = frames(&segment);
    let end = *frames.last().unwrap();
    assert!(end < whole.len(), "it is prepared beyond its end");
    for offset in (0..end).step_by(5) {
        flip(&segment, offset);
        let report = verify(directory.path()).unwrap();
        let frame = frames.iter().rev().find(|frame| **frame <= offset).map_or(0, |frame| *frame);
        assert!(!report.damages.is_empty(), "byte {offset}: {report:?}");
        assert_at(&report.damages[0], &segment, frame);
        fs::write(&segment, &whole).unwrap();
    }
}

#[tokio::test]
async fn every_byte_of_an_index_is_checked_and_its_damage_is_no_loss() {
    let directory = closed_store(60).await;
    let indexes = files(directory.path(), ".idx");
    for index in [&indexes[1], indexes.last().unwrap()] {
        let whole = fs::read(index).unwrap();
        for offset in (0..whole.len()).step_by(11) {
            flip(index, offset);
            let report = verify(directory.path()).unwrap();
            assert_eq!((&report.damages[..], report.events), (&[][..], 60));
            assert_eq!(report.rebuildable.len(), 1, "byte {offset}");
            assert_at(&report.rebuildable[0], index, offset);
            assert!(!report.is_sound());
            fs::write(index, &whole).unwrap();
        }
    }
}

/// So many that the indexes they are held against are made beside the reading.
#[tokio::test]
async fn of_many_events_every_index_is_checked_too() {
    let directory = tempfile::tempdir().unwrap();
    let config = WalConfig { segment_bytes: 256 << 10, ..support::small() };
    let store = WalBackend::with_config(directory.path(), config).unwrap();
    for batch in 0..20 {
        let events = (0..700).map(support::event).collect();
        store.append(&support::stream(batch % 7), ExpectedVersion::Any, events).await.unwrap();
    }
    store.close().await.unwrap();
    let report = verify(directory.path()).unwrap();
    assert_sound(&report, 14_000);
    assert!(report.segments > 3 && report.notes.is_empty(), "{report} {:?}", report.notes);
    for index in files(directory.path(), ".idx") {
        let whole = fs::read(&index).unwrap();
        for part in 1..4 {
            let offset = whole.len() * part / 4;
            flip(&index, offset);
            let report = verify(directory.path()).unwrap();
            assert_eq!((&report.damages[..], report.events), (&[][..], 14_000));
            assert_eq!(report.rebuildable.len(), 1, "byte {offset}");
            assert_at(&report.rebuildable[0], &index, offset);
            fs::write(&index, &whole).unwrap();
        }
    }
}

#[tokio::test]
async fn an_index_that_is_missing_or_cut_off_is_told() {
    let directory = closed_store(60).await;
    let indexes = files(directory.path(), ".idx");
    let length = fs::metadata(&indexes[0]).unwrap().len();
    fs::File::options().write(true).open(&indexes[0]).unwrap().set_len(length - 1).unwrap();
    fs::remove_file(&indexes[1]).unwrap();
    let report = verify(directory.path()).unwrap();
    assert_at(&report.rebuildable[0], &indexes[0], usize::try_from(length).unwrap() - 1);
    assert_eq!(report.rebuildable.len(), 1);
    assert_eq!(report.notes.len(), 1, "{:?}", report.notes);
    assert!(report.notes[0].contains("has no index beside it"), "{:?}", report.notes);

    drop(open(directory.path()));
    assert_sound(&verify(directory.path()).unwrap(), 60);
}

#[tokio::test]
async fn a_damaged_manifest_is_told_and_the_events_are_still_gone_through() {
    let directory = closed_store(60).await;
    let manifest = directory.path().join("MANIFEST");
    for offset in 0..64 {
        flip(&manifest, offset);
        let report = verify(directory.path()).unwrap();
        assert_at(&report.damages[0], &manifest, 0);
        assert_eq!((report.damages.len(), report.events), (1, 60));
        flip(&manifest, offset);
    }
    fs::remove_file(&manifest).unwrap();
    let report = verify(directory.path()).unwrap();
    assert_eq!(report.damages[0].detail, "there are segments, but no manifest");
    assert_eq!(report.events, 60);
}

#[tokio::test]
async fn a_damaged_word_to_other_processes_is_no_loss() {
    let directory = closed_store(60).await;
    let synced = directory.path().join("SYNCED");
    flip(&synced, 3);
    let report = verify(directory.path()).unwrap();
    assert_at(&report.rebuildable[0], &synced, 0);
    assert_eq!(report.damages, []);

    // It is never synced: a crash may leave it empty.
    fs::write(&synced, []).unwrap();
    assert_sound(&verify(directory.path()).unwrap(), 60);
}

#[tokio::test]
async fn a_segment_that_is_missing_is_told() {
    let directory = closed_store(100).await;
    let segments = files(directory.path(), ".wal");
    fs::remove_file(&segments[2]).unwrap();
    let report = verify(directory.path()).unwrap();
    assert_at(&report.damages[0], &segments[3], 0);
    assert!(report.damages[0].detail.contains("one may be missing; the events at"), "{:?}", report.damages);
    assert_eq!((report.damages.len(), report.head.get()), (1, 100), "{:?}", report.damages);

    fs::remove_file(segments.last().unwrap()).unwrap();
    let report = verify(directory.path()).unwrap();
    assert!(report.damages.iter().any(|damage| Path::new(&damage.file) == segments.last().unwrap()));
}

#[tokio::test]
async fn a_segment_of_another_store_is_told() {
    let directory = closed_store(60).await;
    let other = closed_store(60).await;
    let segment = &files(directory.path(), ".wal")[0];
    fs::copy(&files(other.path(), ".wal")[0], segment).unwrap();
    let report = verify(directory.path()).unwrap();
    assert_at(&report.damages[0], segment, 0);
    assert_eq!(report.damages[0].detail, "the segment belongs to another store");
}

#[tokio::test]
async fn an_append_that_was_interrupted_is_no_damage_until_it_is_cut_off_and_after() {
    let directory = crashed_store(20).await;
    let segment = files(directory.path(), ".wal").pop().unwrap();
    let end = *frames(&segment).last().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    bytes[end..end + 100].fill(0xab);
    fs::write(&segment, &bytes).unwrap();

    let report = verify(directory.path()).unwrap();
    assert_sound(&report, 20);
    let torn = report.torn_tail.unwrap();
    assert_eq!((Path::new(&torn.file), torn.offset, torn.bytes), (&*segment, end as u64, 100));

    drop(open(directory.path()));
    let report = verify(directory.path()).unwrap();
    assert_sound(&report, 20);
    assert_eq!(report.torn_tail, None);
    assert_eq!(report.quarantined.len(), 1, "{report:?}");
    assert!(report.quarantined[0].ends_with(".torn"));
}

/// A file that was made long costs nothing on the disk, and is read to its end by whoever believes its length.
#[tokio::test]
async fn an_index_that_is_longer_than_any_memory_is_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..20).await;
    store.close().await.unwrap();
    let index = files(directory.path(), ".idx").remove(0);
    let length = fs::metadata(&index).unwrap().len();
    // Some file systems take no file of a terabyte.
    let long = fs::File::options().write(true).open(&index).unwrap();
    if long.set_len(1 << 40).is_err() {
        long.set_len(1 << 32).unwrap();
    }
    let report = verify(directory.path()).unwrap();
    let [damage] = &report.rebuildable[..] else { panic!("{report:?}") };
    assert_eq!(damage.file, index.display().to_string());
    assert!(report.bytes < (64 << 20) + length && report.damages.is_empty(), "{report:?}");
}

/// Without a word behind them, the last snapshots would look like saves that were interrupted.
#[tokio::test]
async fn a_snapshot_that_has_changed_since_the_store_was_closed_is_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..20).await;
    let state_type = EventType::new("Account").unwrap();
    let snapshot = Snapshot::new(support::stream(0), Version::new(1), state_type, "state");
    store.save_snapshot(snapshot).await.unwrap();
    store.close().await.unwrap();
    assert_sound(&verify(directory.path()).unwrap(), 20);
    let file = directory.path().join("snapshots.log");
    // In the body of the first record.
    flip(&file, 64 + 40 + 3);
    let report = verify(directory.path()).unwrap();
    let [damage] = &report.damages[..] else { panic!("{report:?}") };
    assert_eq!((damage.file.as_str(), damage.offset), (file.to_str().unwrap(), 64), "{report:?}");
}

#[tokio::test]
async fn what_is_no_store_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    for path in [directory.path().to_owned(), directory.path().join("missing")] {
        let error = verify(&path).unwrap_err();
        assert!(matches!(error, StoreError::Storage { .. }), "{error:?}");
        assert!(message_with_causes(&error).contains(path.to_str().unwrap()));
    }
    assert_eq!(contents(directory.path()), []);
}

#[tokio::test]
async fn it_is_told_how_far_it_has_come() {
    let directory = tempfile::tempdir().unwrap();
    let store = WalBackend::production(directory.path()).unwrap();
    for number in 0..8 {
        let large = eventstore_api::NewEvent::new(support::event(0).event_type, vec![number; 1 << 20]);
        let any = eventstore_api::ExpectedVersion::Any;
        store.append(&support::stream(0), any, vec![large]).await.unwrap();
    }
    store.close().await.unwrap();
    let mut told: Vec<VerifyProgress> = Vec::new();
    let report = verify_with(directory.path(), |progress| told.push(progress)).unwrap();
    assert!(told.len() >= 8, "{told:?}");
    assert!(told.is_sorted_by_key(|progress| (progress.bytes_done, progress.events)));
    let last = told.last().unwrap();
    assert_eq!((last.bytes_done, last.events), (last.bytes_total, 8));
    assert!(report.bytes > 8 << 20);
}
