//! A page of a part that is damaged keeps no other from being saved.

use std::{collections::BTreeSet, fs, path::Path};

use eventstore_api::{EventStoreBackend, EventType, ExpectedVersion, NewEvent};
use eventstore_wal::{Damage, WalBackend, WalConfig, salvage};
use tempfile::TempDir;

use crate::{
    keeping, parts, segments,
    support::{copy, flip, stream},
};

/// Enough for one segment to be sealed and archived.
const STORED: u64 = 20_000;
/// How many events a page holds.
const PAGE: u64 = 512;
/// How many a verification reads at once.
const AT_ONCE: u64 = 8_192;

/// A store with a part of which more is to be read than is at once.
async fn with_a_large_part() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let config = WalConfig { segment_bytes: 2 << 20, ..WalConfig::default() };
    let store = WalBackend::with_archive(directory.path(), config, keeping(0)).unwrap();
    for _ in 0..STORED / 500 {
        let event = || NewEvent::new(EventType::new("Opened").unwrap(), "x".repeat(100));
        let events = (0..500).map(|_| event()).collect();
        store.append(&stream(1), ExpectedVersion::Any, events).await.unwrap();
    }
    store.archive_now().await.unwrap();
    store.close().await.unwrap();
    let begins = |path: &Path| path.file_stem().unwrap().to_str().unwrap().parse::<u64>().unwrap();
    let (parts, segments) = (parts(directory.path()), segments(directory.path()));
    assert!(begins(parts.get(1).unwrap_or(&segments[0])) > AT_ONCE + PAGE, "{parts:?} {segments:?}");
    directory
}

#[tokio::test]
async fn a_damaged_page_of_a_part_keeps_no_other_from_being_saved_and_its_positions_are_told() {
    let whole = with_a_large_part().await;
    let mut pages = Vec::new();
    for eighth in 1..7 {
        let directory = copy(whole.path());
        let part = parts(directory.path()).remove(0);
        let length = usize::try_from(fs::metadata(&part).unwrap().len()).unwrap();
        flip(&part, length / 8 * eighth);
        let mut saved = BTreeSet::new();
        let report = salvage(directory.path(), |event| {
            saved.insert(event.position.get());
        })
        .unwrap();

        let lost: Vec<u64> = (1..=STORED).filter(|position| !saved.contains(position)).collect();
        let (first, last) = (lost[0], lost[lost.len() - 1]);
        assert_eq!((lost.len() as u64, (first - 1) % PAGE), (last + 1 - first, 0), "{lost:?}");
        assert!(lost.len() as u64 <= PAGE, "{lost:?}");
        let told = format!("the events at positions {first} to {last} are not to be found");
        let is_told = |damage: &Damage| Path::new(&damage.file) == part && damage.detail.ends_with(&told);
        assert!(report.damages.iter().any(is_told), "{told}: {:?}", report.damages);
        pages.push((first - 1) / PAGE);
    }
    // Of what is read at once, whole pages lie before the damaged one.
    assert!(pages.iter().any(|page| page % (AT_ONCE / PAGE) > 0), "{pages:?}");
}

/// In a store of many, what is gone is told part by part.
#[tokio::test]
async fn the_positions_of_a_part_of_which_nothing_is_left_are_told() {
    let spoil: [&dyn Fn(&Path); 4] = [
        &|part| fs::remove_file(part).unwrap(),
        &|part| fs::write(part, b"no such thing").unwrap(),
        &|part| fs::write(part, vec![7; fs::read(part).unwrap().len()]).unwrap(),
        &|part| {
            fs::remove_file(part).unwrap();
            fs::create_dir(part).unwrap();
        },
    ];
    let whole = crate::archived(0).await;
    for spoil in spoil {
        let directory = copy(whole.path());
        let parts = parts(directory.path());
        let begins = |part: &Path| part.file_stem().unwrap().to_str().unwrap().parse::<u64>().unwrap();
        let (first, behind) = (begins(&parts[3]), begins(&parts[4]));
        spoil(&parts[3]);
        let mut saved = Vec::new();
        let report = salvage(directory.path(), |event| saved.push(event.position.get())).unwrap();
        let expected: Vec<u64> =
            (1..=crate::EVENTS as u64).filter(|position| !(first..behind).contains(position)).collect();
        assert_eq!(saved, expected);
        let told = format!("the events at positions {first} to {} are not to be found", behind - 1);
        let places = report.damages.iter().filter(|damage| damage.detail.ends_with(&told));
        let places: Vec<&Path> = places.map(|damage| Path::new(&damage.file)).collect();
        assert_eq!(places, [parts[3].as_path()], "{:?}", report.damages);
    }
}
