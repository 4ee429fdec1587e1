//! What can be saved of a store with an archive when the manifest, which names its parts, is lost.

use std::{
    fs,
    path::{Path, PathBuf},
};

use eventstore_api::{EventStoreBackend, RecordedEvent};
use eventstore_wal::{VerifyReport, salvage, verify};

use crate::{
    EVENTS, archived, open_archiving, parts, segments,
    support::{append, copy, count_from_the_first, flip, open},
};

/// What can be saved, and what is said of it; a verification says the same.
fn saved(directory: &Path) -> (Vec<RecordedEvent>, VerifyReport) {
    let mut saved = Vec::new();
    let report = salvage(directory, |event| saved.push(event)).unwrap();
    assert_eq!(verify(directory).unwrap(), report);
    (saved, report)
}

fn places(report: &VerifyReport) -> Vec<PathBuf> {
    report.damages.iter().map(|damage| PathBuf::from(&damage.file)).collect()
}

fn begins(file: &Path) -> u64 {
    file.file_stem().unwrap().to_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_archive_whose_manifest_cannot_be_read_is_saved() {
    let whole = archived(2).await;
    let spoil: [&dyn Fn(&Path); 4] = [
        &|manifest| {
            fs::remove_file(manifest).unwrap();
            // Nobody can read it as a file, whoever he is.
            fs::create_dir(manifest).unwrap();
        },
        &|manifest| flip(manifest, 20),
        &|manifest| fs::write(manifest, b"").unwrap(),
        &|manifest| fs::remove_file(manifest).unwrap(),
    ];
    for spoil in spoil {
        let directory = copy(whole.path());
        let manifest = directory.path().join("MANIFEST");
        spoil(&manifest);
        let (events, report) = saved(directory.path());
        assert_eq!(count_from_the_first(&events), EVENTS);
        assert_eq!(places(&report), [manifest], "{:?}", report.damages);
        assert_eq!(report.rebuildable, []);
        assert_eq!(report.parts, parts(directory.path()).len() as u64);
        assert!(report.notes.iter().any(|note| note.contains("taken at their word")), "{:?}", report.notes);
    }
}

/// Nothing says any more which parts there were.
#[tokio::test]
async fn without_a_manifest_a_part_that_is_damaged_or_missing_is_told_by_its_positions() {
    let whole = archived(0).await;
    let spoil: [&dyn Fn(&Path); 2] =
        [&|part| fs::write(part, b"no such thing").unwrap(), &|part| fs::remove_file(part).unwrap()];
    for spoil in spoil {
        let directory = copy(whole.path());
        fs::remove_file(directory.path().join("MANIFEST")).unwrap();
        let parts = parts(directory.path());
        let (first, behind) = (begins(&parts[3]), begins(&parts[4]));
        spoil(&parts[3]);
        let (events, report) = saved(directory.path());
        let found: Vec<u64> = events.iter().map(|event| event.position.get()).collect();
        let expected: Vec<u64> =
            (1..=EVENTS as u64).filter(|position| !(first..behind).contains(position)).collect();
        assert_eq!(found, expected);
        let told = format!("the events at positions {first} to {} are not to be found", behind - 1);
        let is_told = report
            .damages
            .iter()
            .any(|damage| Path::new(&damage.file) == parts[3] && damage.detail.ends_with(&told));
        assert!(is_told, "{told}: {:?}", report.damages);
    }
}

#[tokio::test]
async fn without_a_manifest_a_part_that_came_from_elsewhere_hides_no_segment() {
    let elsewhere = tempfile::tempdir().unwrap();
    let store = open_archiving(elsewhere.path(), 0);
    append(&store, 0..2 * EVENTS).await;
    store.archive_now().await.unwrap();
    store.close().await.unwrap();
    let directory = archived(2).await;
    let manifest = directory.path().join("MANIFEST");
    fs::remove_file(&manifest).unwrap();
    // One that lies behind the segments, and one that is not what its name says.
    let behind = parts(elsewhere.path()).pop().unwrap();
    assert!(begins(&behind) > begins(segments(directory.path()).last().unwrap()));
    let behind_here = directory.path().join(behind.file_name().unwrap());
    fs::copy(&behind, &behind_here).unwrap();
    let misnamed = directory.path().join("00000000000000000003.parquet");
    fs::copy(&behind, &misnamed).unwrap();

    let (events, report) = saved(directory.path());
    assert_eq!(count_from_the_first(&events), EVENTS);
    let mut places = places(&report);
    places.sort();
    let mut expected = [manifest, misnamed, behind_here];
    expected.sort();
    assert_eq!(places, expected, "{:?}", report.damages);
}

/// As a crash may leave them; then the manifest is lost too.
#[tokio::test]
async fn without_a_manifest_a_segment_and_its_part_give_their_events_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..EVENTS).await;
    store.close().await.unwrap();
    let before = copy(directory.path());
    let store = open_archiving(directory.path(), 2);
    store.archive_now().await.unwrap();
    store.close().await.unwrap();
    let part = parts(directory.path()).pop().unwrap();
    let segment = part.with_extension("wal");
    fs::copy(before.path().join(segment.file_name().unwrap()), &segment).unwrap();
    fs::remove_file(directory.path().join("MANIFEST")).unwrap();
    let (events, report) = saved(directory.path());
    assert_eq!(count_from_the_first(&events), EVENTS);
    assert_eq!(report.damages.len(), 1, "{:?}", report.damages);
    let left = |note: &String| note.contains(segment.to_str().unwrap()) && note.contains("left alone");
    assert!(report.notes.iter().any(left), "{:?}", report.notes);

    // Where one of them is damaged, the other is what there is.
    fs::write(&part, b"no such thing").unwrap();
    let (events, report) = saved(directory.path());
    assert_eq!(count_from_the_first(&events), EVENTS);
    assert!(places(&report).contains(&part), "{:?}", report.damages);
}
