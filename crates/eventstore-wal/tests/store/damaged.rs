//! What a store that is damaged still shows, and what can be saved of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::support::{append, count_from_the_first, event, files, flip, frames, open, stream};
use eventstore_api::{Direction, EventStoreBackend, ReadAll, RecordedEvent, StoreError, StreamRange};
use eventstore_wal::{Damage, VerifyReport, WalBackend, salvage, verify};
use tempfile::TempDir;

const EVENTS: usize = 1_000;
/// The one that is damaged, by its number from 0.
const DAMAGED: usize = 437;

/// A store that was closed, and one frame in the middle of which is damaged since.
async fn damaged() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = WalBackend::production(directory.path()).unwrap();
    append(&store, 0..EVENTS).await;
    store.close().await.unwrap();
    let segment = files(directory.path(), ".wal").remove(0);
    let frame = frames(&segment).remove(DAMAGED);
    flip(&segment, frame + 60);
    directory
}

#[tokio::test]
async fn what_is_whole_before_the_damage_is_shown_and_then_the_place_is_told() {
    let directory = damaged().await;
    let store = WalBackend::production(directory.path()).unwrap();
    for (direction, whole) in [(Direction::Forward, DAMAGED), (Direction::Backward, EVENTS - DAMAGED - 1)] {
        let mut query = match direction {
            Direction::Forward => ReadAll::forward(),
            Direction::Backward => ReadAll::backward(),
        };
        let mut shown = 0;
        let damage = loop {
            match store.read_all(&query).await {
                Ok(page) => {
                    assert!(!page.end_reached && !page.events.is_empty());
                    shown += page.events.len();
                    query = query.next_page(&page);
                }
                Err(error) => break error,
            }
        };
        assert!(shown <= whole, "{direction:?}: {shown}");
        // Frames are read in blocks backward.
        assert!(direction == Direction::Backward || shown == whole, "{direction:?}: {shown}");
        let StoreError::Corrupted { place, detail } = damage else { panic!("{damage:?}") };
        assert!(place.contains(".wal, byte "), "{place}");
        assert!(detail.contains(&format!("from position {}", query.after)), "{detail}");
    }
}

#[tokio::test]
async fn of_a_stream_too() {
    let directory = damaged().await;
    let store = WalBackend::production(directory.path()).unwrap();
    let hit = stream(DAMAGED % 7);
    let page = store.read_stream(&hit, StreamRange::all()).await.unwrap();
    assert_eq!(page.events.len(), DAMAGED / 7);
    assert!(!page.end_reached);
    let next = StreamRange::all().next_page(&page);
    let damage = store.read_stream(&hit, next).await.unwrap_err();
    assert!(matches!(damage, StoreError::Corrupted { .. }), "{damage:?}");
    // The others are whole.
    let other = DAMAGED % 7 + 1;
    let whole = (other..EVENTS).step_by(7).count();
    assert_eq!(store.get_events(&stream(other)).await.unwrap().len(), whole);
}

#[tokio::test]
async fn everything_else_can_be_saved() {
    let directory = damaged().await;
    let mut saved = Vec::new();
    let report = salvage(directory.path(), |event| saved.push(event)).unwrap();
    assert!(!report.is_sound());
    assert_eq!(saved.len(), EVENTS - 1);
    let expected = (0..EVENTS).filter(|number| *number != DAMAGED);
    for (found, number) in saved.iter().zip(expected) {
        assert_eq!(found.position.get(), number as u64 + 1);
        assert_eq!((&found.stream, &found.payload), (&stream(number % 7), &event(number).payload));
    }
    let position = DAMAGED + 1;
    let told = format!("the events at positions {position} to {position} are not to be found");
    assert!(report.damages.iter().any(|damage| damage.detail.contains(&told)), "{:?}", report.damages);
}

/// Over many segments, of which one is gone, and without the manifest.
#[tokio::test]
async fn files_that_are_missing_keep_nothing_else_from_being_saved() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..EVENTS).await;
    store.close().await.unwrap();
    let segments = files(directory.path(), ".wal");
    let [.., missing, next] = segments.as_slice() else { panic!("there are too few segments") };
    fs::remove_file(missing).unwrap();
    fs::remove_file(directory.path().join("MANIFEST")).unwrap();
    let mut saved = Vec::new();
    let report = salvage(directory.path(), |event| saved.push(event)).unwrap();
    assert!(!report.is_sound());
    let count = frames(next).len();
    assert!(saved.len() >= EVENTS - 2 * count.max(70), "{} of {EVENTS}", saved.len());
    assert!(saved.iter().map(|event| event.position).is_sorted_by(|a, b| a < b));
}

/// A store of so many events over many segments, that was closed.
async fn of_many_segments(events: usize) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..events).await;
    store.close().await.unwrap();
    directory
}

/// Makes it something that nobody can read as a file, whoever he is.
fn make_unreadable(path: &Path) {
    if path.exists() {
        fs::remove_file(path).unwrap();
    }
    fs::create_dir(path).unwrap();
}

/// What can be saved, and what is said of it; a verification says the same.
fn saved(directory: &Path) -> (Vec<RecordedEvent>, VerifyReport) {
    let mut saved = Vec::new();
    let report = salvage(directory, |event| saved.push(event)).unwrap();
    assert_eq!(verify(directory).unwrap(), report);
    assert!(!report.is_sound());
    (saved, report)
}

#[tokio::test]
async fn a_file_beside_the_log_that_cannot_be_read_keeps_no_event_from_being_saved() {
    for name in ["MANIFEST", "SYNCED", "snapshots.log"] {
        let directory = of_many_segments(60).await;
        let path = directory.path().join(name);
        make_unreadable(&path);
        let (events, report) = saved(directory.path());
        assert_eq!(count_from_the_first(&events), 60, "{name}");
        let places: Vec<PathBuf> = report.damages.iter().map(|damage| PathBuf::from(&damage.file)).collect();
        assert_eq!(places, [path], "{:?}", report.damages);
    }
}

#[tokio::test]
async fn an_index_that_cannot_be_read_is_one_to_be_made_anew() {
    let directory = of_many_segments(60).await;
    let index = files(directory.path(), ".idx").remove(0);
    make_unreadable(&index);
    let (events, report) = saved(directory.path());
    assert_eq!(count_from_the_first(&events), 60);
    assert_eq!(report.damages, []);
    let places: Vec<PathBuf> = report.rebuildable.iter().map(|damage| PathBuf::from(&damage.file)).collect();
    assert_eq!(places, [index], "{:?}", report.rebuildable);
}

#[tokio::test]
async fn what_is_behind_a_segment_that_cannot_be_read_is_saved() {
    let directory = of_many_segments(100).await;
    let segments = files(directory.path(), ".wal");
    let begins = |segment: &Path| segment.file_stem().unwrap().to_str().unwrap().parse::<u64>().unwrap();
    let (from, to) = (begins(&segments[1]), begins(&segments[2]));
    make_unreadable(&segments[1]);
    let (events, report) = saved(directory.path());
    let found: Vec<u64> = events.iter().map(|event| event.position.get()).collect();
    let expected: Vec<u64> = (1..=100).filter(|position| !(from..to).contains(position)).collect();
    assert_eq!(found, expected);
    let told = not_to_be_found(from, to - 1);
    let is_told = |damage: &Damage| Path::new(&damage.file) == segments[1] && damage.detail.ends_with(&told);
    assert!(report.damages.iter().any(is_told), "{:?}", report.damages);
}

fn not_to_be_found(first: u64, last: u64) -> String {
    format!("the events at positions {first} to {last} are not to be found")
}

/// The first and the last position that is missing among so many from 1 on; none between them is there.
fn missing(events: &[RecordedEvent], count: u64) -> (u64, u64) {
    let found: BTreeSet<u64> = events.iter().map(|event| event.position.get()).collect();
    let missing: Vec<u64> = (1..=count).filter(|position| !found.contains(position)).collect();
    let (first, last) = (*missing.first().unwrap(), *missing.last().unwrap());
    assert_eq!(missing.len() as u64, last - first + 1, "{missing:?}");
    (first, last)
}

#[track_caller]
fn assert_told_once(report: &VerifyReport, (first, last): (u64, u64)) {
    let told = not_to_be_found(first, last);
    let places = report.damages.iter().filter(|damage| damage.detail.contains(&told)).count();
    assert_eq!(places, 1, "{told}: {:?}", report.damages);
}

/// The first one, one in the middle, and the last one, of which only the manifest and the writer's word say where it ended.
#[tokio::test]
async fn the_positions_of_a_segment_that_is_lost_are_told() {
    let remove = |segment: &Path| fs::remove_file(segment).unwrap();
    let ways: [&dyn Fn(&Path); 2] = [&make_unreadable, &remove];
    for way in ways {
        for number in [0, 2, usize::MAX] {
            let directory = of_many_segments(120).await;
            let segments = files(directory.path(), ".wal");
            assert!(segments.len() > 3, "{segments:?}");
            way(&segments[number.min(segments.len() - 1)]);
            let (events, report) = saved(directory.path());
            assert_told_once(&report, missing(&events, 120));
        }
    }
}

#[tokio::test]
async fn the_positions_at_the_lost_end_of_a_segment_are_told() {
    for number in [1, usize::MAX] {
        let directory = of_many_segments(120).await;
        let segments = files(directory.path(), ".wal");
        let segment = segments[number.min(segments.len() - 1)].clone();
        let frames = frames(&segment);
        // The last one is the mark of a store that was closed.
        let lost = &frames[1..frames.len() - 1];
        lost.iter().for_each(|frame| flip(&segment, *frame));
        let (events, report) = saved(directory.path());
        let told = missing(&events, 120);
        assert!(told.0 < told.1, "{told:?}");
        assert_told_once(&report, told);
        let is_told = |damage: &Damage| Path::new(&damage.file) == segment && damage.offset == lost[0] as u64;
        assert!(report.damages.iter().any(is_told), "{:?}", report.damages);
    }
}

/// Whatever becomes of it, it comes to an end.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_pipe_in_the_place_of_any_file_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..20).await;
    let crashed = crate::support::copy(directory.path());
    for name in ["LOCK", "SYNCED", "MANIFEST", "snapshots.log"] {
        let place = crate::support::copy(crashed.path());
        let file = place.path().join(name);
        fs::remove_file(&file).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
        let path = place.path().to_owned();
        let (told, looked) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let _ = (verify(&path), salvage(&path, |_| {}));
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            if let Ok(reader) = WalBackend::open_read_only(&path) {
                let _ = runtime.block_on(reader.unproven());
            }
            let _ = WalBackend::production(&path);
            told.send(()).is_ok()
        });
        looked
            .recv_timeout(std::time::Duration::from_secs(60))
            .unwrap_or_else(|_| panic!("{name} is waited for"));
    }
}

/// A pipe is opened when somebody writes into it, which nobody does.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_pipe_in_the_place_of_a_file_is_told_of_and_not_waited_for() {
    for ending in [".idx", ".wal"] {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path());
        append(&store, 0..EVENTS).await;
        store.close().await.unwrap();
        let file = files(directory.path(), ending).remove(0);
        fs::remove_file(&file).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());

        let path = directory.path().to_owned();
        let (told, verified) = std::sync::mpsc::channel();
        std::thread::spawn(move || told.send((verify(&path), WalBackend::production(&path))).is_ok());
        let (verified, opened) = verified.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
        let damages: Vec<Damage> = match (ending, verified.unwrap(), opened) {
            // An index is made again, and the store is whole.
            (".idx", VerifyReport { rebuildable, damages, .. }, Ok(_)) if damages.is_empty() => rebuildable,
            (".wal", VerifyReport { damages, .. }, Err(StoreError::Storage { .. })) => damages,
            other => panic!("{other:?}"),
        };
        let [Damage { file: found, detail, .. }] = &damages[..] else { panic!("{damages:?}") };
        assert_eq!(*found, file.display().to_string());
        assert!(detail.contains("it is no regular file"), "{detail}");
    }
}
