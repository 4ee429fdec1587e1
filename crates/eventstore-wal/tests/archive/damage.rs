//! Parts, manifests and indexes that are not what they should be, and what is left alone.

use std::{fs, path::Path};

use eventstore_api::{
    EventFilter, EventStoreBackend, EventType, GlobalPosition, ReadAll, StoreError, message_with_causes,
};
use eventstore_wal::{WalBackend, WalReader, salvage, verify};

use crate::{
    EVENTS, all, archived, open_archiving, parts,
    reading::check_every_way_of_reading,
    segments,
    support::{append, contents, copy, count_from_the_first, files, flip, open, small},
};

/// What becomes of a file.
type Spoil<'s> = &'s dyn Fn(&Path);

/// What opening the store says, or the first read of everything.
async fn trouble(path: &Path) -> StoreError {
    let store = match WalBackend::with_config(path, small()) {
        Ok(store) => store,
        Err(error) => return error,
    };
    let mut query = ReadAll::forward();
    loop {
        match store.read_all(&query).await {
            Ok(page) => {
                assert!(!page.end_reached, "nothing is wrong");
                query = query.next_page(&page);
            }
            Err(error) => return error,
        }
    }
}

#[tokio::test]
async fn a_part_that_is_missing_cut_off_foreign_or_changed_is_told_by_its_name() {
    let whole = archived(0).await;
    let elsewhere = archived(0).await;
    let spoil: [(&str, Spoil<'_>); 6] = [
        ("missing", &|part| fs::remove_file(part).unwrap()),
        ("bytes long", &|part| {
            let bytes = fs::read(part).unwrap();
            fs::write(part, &bytes[..bytes.len() - 1]).unwrap();
        }),
        ("bytes long", &|part| fs::write(part, b"no such thing").unwrap()),
        ("", &|part| fs::write(part, vec![7; fs::read(part).unwrap().len()]).unwrap()),
        // Of the first page, which holds positions.
        ("", &|part| flip(part, 30)),
        ("", &|part| {
            // A part of the same events in another store, which has other ids and times.
            fs::copy(elsewhere.path().join(part.file_name().unwrap()), part).unwrap();
        }),
    ];
    for (detail, spoil) in spoil {
        let directory = copy(whole.path());
        let part = parts(directory.path()).remove(3);
        spoil(&part);
        let error = trouble(directory.path()).await;
        let StoreError::Corrupted { place, detail: found } = &error else { panic!("{error:?}") };
        assert!(place.starts_with(part.to_str().unwrap()), "{place}: {found}");
        assert!(found.contains(detail), "{place}: {found}");

        let report = verify(directory.path()).unwrap();
        let damages: Vec<_> = report.damages.iter().map(|damage| damage.file.as_str()).collect();
        assert!(damages.contains(&part.to_str().unwrap()), "{damages:?}");
        let mut saved = 0;
        salvage(directory.path(), |_| saved += 1).unwrap();
        assert!(saved > EVENTS * 3 / 4 && saved < EVENTS, "{saved}");

        // What lies before can be read.
        let reader = WalReader::open(directory.path()).unwrap();
        let page = reader.read_all(&ReadAll::forward().limit(2)).await.unwrap();
        assert_eq!(count_from_the_first(&page.events), 2);
    }
}

/// What cannot match is not even looked at: it may be damaged.
#[tokio::test]
async fn row_groups_that_cannot_match_are_not_decompressed() {
    let directory = archived(0).await;
    for part in parts(directory.path()) {
        flip(&part, 30);
    }
    let store = open(directory.path());
    let none = [
        EventFilter::stream_prefix("b"),
        EventFilter::stream_prefix("account-8"),
        EventFilter::types([EventType::new("Never").unwrap()]),
        EventFilter::stream(eventstore_api::StreamId::new("account-8").unwrap()),
    ];
    let tail = segments(directory.path()).remove(0);
    let archived: u64 = tail.file_stem().unwrap().to_str().unwrap().parse::<u64>().unwrap() - 1;
    for filter in none {
        for query in [ReadAll::forward(), ReadAll::backward()] {
            assert_eq!(all(&store, query.filter(filter.clone())).await, [], "{filter:?}");
        }
    }
    let query =
        ReadAll::before(GlobalPosition::new(archived)).filter(EventFilter::stream_prefix("account-3"));
    assert!(matches!(store.read_all(&query).await, Err(StoreError::Corrupted { .. })), "where it can, it is");
}

#[tokio::test]
async fn a_manifest_that_could_not_be_replaced_is_replaced_when_it_can_be() {
    let directory = tempfile::tempdir().unwrap();
    let store = open_archiving(directory.path(), 0);
    append(&store, 0..10).await;
    // In the way of the file that is to replace it.
    let aside = directory.path().join("MANIFEST.new");
    fs::create_dir(&aside).unwrap();
    append(&store, 10..EVENTS).await;
    let error = store.archive_now().await.unwrap_err();
    assert!(matches!(error, StoreError::Storage { .. }), "{error:?}");
    assert!(parts(directory.path()).len() <= 1, "it is not gone on with");
    fs::remove_dir(&aside).unwrap();
    assert!(store.archive_now().await.unwrap() > 5);
    store.close().await.unwrap();
    assert_eq!(count_from_the_first(&open(directory.path()).get_all_events().await.unwrap()), EVENTS);
}

/// A crash has left both, and since then the part has become bad.
#[tokio::test]
async fn a_segment_stays_as_long_as_its_part_is_not_what_was_written() {
    let directory = archived(0).await;
    let part = parts(directory.path()).remove(3);
    let segment = part.with_extension("wal");
    fs::write(&segment, b"whatever it is").unwrap();
    let bytes = fs::read(&part).unwrap();
    flip(&part, 30);
    let error = WalBackend::with_config(directory.path(), small()).unwrap_err();
    assert!(
        matches!(&error, StoreError::Corrupted { place, .. } if place.starts_with(part.to_str().unwrap()))
    );
    assert!(segment.exists());
    fs::write(&part, bytes).unwrap();
    drop(open(directory.path()));
    assert!(!segment.exists());
}

#[tokio::test]
async fn wherever_a_part_is_changed_it_is_noticed_or_makes_no_difference() {
    let whole = archived(0).await;
    let length = fs::read(&parts(whole.path())[3]).unwrap().len();
    for offset in (0..length).step_by(61) {
        let directory = copy(whole.path());
        let part = parts(directory.path()).remove(3);
        flip(&part, offset);
        let store = open(directory.path());
        match store.get_all_events().await {
            Ok(events) => assert_eq!(count_from_the_first(&events), EVENTS),
            Err(StoreError::Corrupted { place, .. }) => assert!(place.starts_with(part.to_str().unwrap())),
            Err(other) => panic!("byte {offset}: {other:?}"),
        }
        drop(store);
        let report = verify(directory.path()).unwrap();
        let told = report.damages.iter().any(|damage| damage.file == part.to_str().unwrap());
        assert!(told, "byte {offset}: {:?}", report.damages);
    }
}

#[tokio::test]
async fn a_part_that_nobody_names_is_never_removed() {
    let directory = archived(0).await;
    let named = parts(directory.path());
    // As it would be if the manifest came from a backup.
    let unnamed = directory.path().join("00000000000000009999.parquet");
    fs::copy(&named[0], &unnamed).unwrap();
    let error = WalBackend::with_config(directory.path(), small()).unwrap_err();
    assert!(
        matches!(&error, StoreError::Corrupted { place, .. } if place.contains("9999.parquet")),
        "{error}"
    );
    assert!(!verify(directory.path()).unwrap().is_sound());
    assert!(unnamed.exists());
}

/// A crash may leave both, and then the part is damaged: the segment is all there is.
#[tokio::test]
async fn a_segment_stays_as_long_as_its_part_cannot_be_opened() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..EVENTS).await;
    store.close().await.unwrap();
    let before = copy(directory.path());
    let store = open_archiving(directory.path(), 0);
    store.archive_now().await.unwrap();
    store.close().await.unwrap();
    let part = parts(directory.path()).remove(3);
    let segment = part.with_extension("wal");
    fs::copy(before.path().join(segment.file_name().unwrap()), &segment).unwrap();
    let bytes = fs::read(&part).unwrap();
    fs::remove_file(&part).unwrap();
    let error = WalBackend::with_config(directory.path(), small()).unwrap_err();
    assert!(
        matches!(&error, StoreError::Corrupted { place, .. } if place.starts_with(part.to_str().unwrap()))
    );
    assert!(segment.exists());
    fs::write(&part, bytes).unwrap();
    let store = open(directory.path());
    assert_eq!(count_from_the_first(&store.get_all_events().await.unwrap()), EVENTS);
    assert!(!segment.exists());
}

#[tokio::test]
async fn an_index_of_a_part_that_is_lost_or_damaged_is_made_anew() {
    let whole = archived(0).await;
    let spoil: [Spoil<'_>; 2] = [&|index| fs::remove_file(index).unwrap(), &|index| flip(index, 300)];
    for spoil in spoil {
        let directory = copy(whole.path());
        let index = files(directory.path(), ".parquet.idx").remove(2);
        let bytes = fs::read(&index).unwrap();
        spoil(&index);
        let store = open(directory.path());
        assert_eq!(store.recovery().indexes_rebuilt, 1);
        let events = store.get_all_events().await.unwrap();
        assert_eq!(count_from_the_first(&events), EVENTS);
        check_every_way_of_reading(&store, &events).await;
        store.close().await.unwrap();
        assert_eq!(fs::read(&index).unwrap(), bytes);
        let report = verify(directory.path()).unwrap();
        assert!(report.is_sound(), "{:?} {:?}", report.damages, report.rebuildable);
    }
}

#[tokio::test]
async fn a_store_with_an_archive_is_sound_and_nothing_is_changed_by_looking() {
    let directory = archived(2).await;
    let before = contents(directory.path());
    let report = verify(directory.path()).unwrap();
    assert!(report.is_sound(), "{report}: {:?} {:?}", report.damages, report.rebuildable);
    assert_eq!((report.events, report.streams, report.segments), (EVENTS as u64, 7, 3));
    assert_eq!(report.parts, parts(directory.path()).len() as u64);
    assert_eq!(report.notes, Vec::<String>::new());
    let mut saved = Vec::new();
    salvage(directory.path(), |event| saved.push(event)).unwrap();
    assert_eq!(count_from_the_first(&saved), EVENTS);
    assert_eq!(contents(directory.path()), before);
}

#[tokio::test]
async fn a_segment_that_is_damaged_is_not_archived_and_stays() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..EVENTS).await;
    store.close().await.unwrap();
    let segment = segments(directory.path()).remove(2);
    flip(&segment, 200);
    let store = open_archiving(directory.path(), 0);
    let error = store.archive_now().await.unwrap_err();
    assert!(message_with_causes(&error).contains(segment.to_str().unwrap()), "{error:?}");
    assert!(matches!(error, StoreError::Corrupted { .. }), "{error:?}");
    assert_eq!(parts(directory.path()).len(), 2);
    assert!(segment.exists());
    append(&store, EVENTS..EVENTS + 1).await;
}
