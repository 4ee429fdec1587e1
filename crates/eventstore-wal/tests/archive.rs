//! Old segments become Parquet files, and nobody who reads notices.

#![cfg(feature = "parquet")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by failing"
)]

mod support;

use std::{fs, path::Path, time::Duration};

use eventstore_api::{
    AppendBatch, AppendCondition, Direction, EventFilter, EventStoreBackend, EventType, ExpectedVersion,
    GlobalPosition, NewEvent, ReadAll, RecordedEvent, StoreError, StreamRange, Tags, Version,
    message_with_causes,
};
use eventstore_wal::{ArchivePolicy, WalBackend, WalReader, salvage, verify};
use support::{append, contents, copy, count_from_the_first, event, files, flip, open, small, stream};
use tempfile::TempDir;

const EVENTS: usize = 600;

fn keeping(keep: usize) -> ArchivePolicy {
    ArchivePolicy { keep_segments: Some(keep), ..ArchivePolicy::default() }
}

fn open_archiving(path: &Path, keep: usize) -> WalBackend {
    WalBackend::with_archive(path, small(), keeping(keep)).unwrap()
}

/// A store that was closed, of which all but so many sealed segments are archived.
async fn archived(keep: usize) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = open_archiving(directory.path(), keep);
    append(&store, 0..EVENTS).await;
    store.archive_now().await.unwrap();
    store.close().await.unwrap();
    directory
}

fn parts(path: &Path) -> Vec<std::path::PathBuf> {
    files(path, ".parquet")
}

fn segments(path: &Path) -> Vec<std::path::PathBuf> {
    files(path, ".wal")
}

async fn all(store: &dyn EventStoreBackend, query: ReadAll) -> Vec<RecordedEvent> {
    let (mut events, mut query) = (Vec::new(), query);
    loop {
        let page = store.read_all(&query).await.unwrap();
        query = query.next_page(&page);
        events.extend(page.events);
        if page.end_reached {
            return events;
        }
    }
}

/// Every way of reading, held against all events in their order.
async fn check_every_way_of_reading(store: &dyn EventStoreBackend, events: &[RecordedEvent]) {
    let backward: Vec<_> = events.iter().rev().cloned().collect();
    assert_eq!(all(store, ReadAll::forward().limit(7)).await, events);
    assert_eq!(all(store, ReadAll::backward().limit(13)).await, backward);
    for after in (0..events.len()).step_by(29) {
        let position = GlobalPosition::new(after as u64);
        let page = store.read_all(&ReadAll::after(position).limit(3)).await.unwrap();
        assert_eq!(page.events, events[after..(after + 3).min(events.len())], "after {after}");
        let before = ReadAll::before(position).limit(3);
        let page = store.read_all(&before).await.unwrap();
        let expected: Vec<_> = events[..after.saturating_sub(1)].iter().rev().take(3).cloned().collect();
        assert_eq!(page.events, expected, "before {after}");
    }
    let filters = [
        EventFilter::types([EventType::new("Paid").unwrap()]),
        EventFilter::types([EventType::new("Never").unwrap()]),
        EventFilter::tagged(Tags::parse(["branch:3"]).unwrap()),
        EventFilter::stream(stream(4)),
        EventFilter::stream_prefix("account-"),
    ];
    for filter in filters {
        let matching: Vec<_> = events.iter().filter(|event| filter.matches(event)).cloned().collect();
        let query = ReadAll::forward().filter(filter.clone()).limit(11);
        assert_eq!(all(store, query).await, matching, "{filter:?}");
        let query = ReadAll::backward().filter(filter.clone()).limit(11);
        let backward: Vec<_> = matching.into_iter().rev().collect();
        assert_eq!(all(store, query).await, backward, "{filter:?}");
    }
    for number in 0..7 {
        let of_stream: Vec<_> = events.iter().filter(|it| it.stream == stream(number)).cloned().collect();
        assert_eq!(store.get_events(&stream(number)).await.unwrap(), of_stream);
        for after in (0..of_stream.len()).step_by(17) {
            for direction in [Direction::Forward, Direction::Backward] {
                let version = Version::new(after as u64 + 1);
                let range = match direction {
                    Direction::Forward => StreamRange::after(version),
                    Direction::Backward => StreamRange::before(version),
                };
                let expected: Vec<_> = match direction {
                    Direction::Forward => of_stream.iter().skip(after + 1).take(4).cloned().collect(),
                    Direction::Backward => of_stream[..after].iter().rev().take(4).cloned().collect(),
                };
                let page = store.read_stream(&stream(number), range.limit(4)).await.unwrap();
                assert_eq!(page.events, expected, "{direction:?} from {version}");
            }
        }
    }
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.total_events, stats.total_streams), (events.len() as u64, events.len().min(7) as u64));
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_span_parts_segments_and_tail() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..EVENTS).await;
    let events = store.get_all_events().await.unwrap();
    assert_eq!(count_from_the_first(&events), EVENTS);
    check_every_way_of_reading(&store, &events).await;
    store.close().await.unwrap();
    let before = segments(directory.path());

    let store = open_archiving(directory.path(), 2);
    store.archive_now().await.unwrap();
    assert_eq!(parts(directory.path()).len(), before.len() - 3, "all but two sealed ones, and the last");
    assert_eq!(segments(directory.path()), before[before.len() - 3..]);
    check_every_way_of_reading(&store, &events).await;
    let reader = WalReader::open(directory.path()).unwrap();
    check_every_way_of_reading(&reader, &events).await;
    store.close().await.unwrap();

    // Whoever archives nothing reads what is archived.
    let store = open(directory.path());
    assert_eq!(store.recovery().indexes_rebuilt, 0);
    assert_eq!(store.archive_now().await.unwrap(), 0);
    check_every_way_of_reading(&store, &events).await;
    append(&store, EVENTS..EVENTS + 10).await;
    assert_eq!(count_from_the_first(&store.get_all_events().await.unwrap()), EVENTS + 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_meanwhile_sees_every_event_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = open_archiving(directory.path(), 0);
    // In another process, most often.
    let reader = WalReader::open(directory.path()).unwrap().poll_every(Duration::from_millis(1));
    let following = |store: std::sync::Arc<dyn EventStoreBackend>| {
        tokio::spawn(async move {
            let (mut seen, mut query) = (Vec::new(), ReadAll::forward().limit(5));
            while seen.len() < 2 * EVENTS {
                let page = store.read_all(&query).await.unwrap();
                query = query.next_page(&page);
                seen.extend(page.events);
                if page.end_reached && seen.len() < 2 * EVENTS {
                    store.wait_past(query.after).await.unwrap();
                }
            }
            seen
        })
    };
    let live = following(std::sync::Arc::new(store.clone()));
    let apart = following(std::sync::Arc::new(reader.clone()));
    let again = {
        let store = store.clone();
        tokio::spawn(async move {
            let mut rounds = 0;
            while store.head().await.unwrap().get() < 2 * EVENTS as u64 {
                let events = store.get_events(&stream(3)).await.unwrap();
                assert!(events.iter().zip(1..).all(|(event, version)| event.version.get() == version));
                rounds += 1;
                tokio::task::yield_now().await;
            }
            rounds
        })
    };
    append(&store, 0..2 * EVENTS).await;
    store.archive_now().await.unwrap();
    assert!(again.await.unwrap() > 0);
    assert_eq!(count_from_the_first(&live.await.unwrap()), 2 * EVENTS);
    assert_eq!(count_from_the_first(&apart.await.unwrap()), 2 * EVENTS);
    assert!(parts(directory.path()).len() > 10);
    // And from the beginning, where it is all archived since the reader was opened.
    let events = all(&reader, ReadAll::forward()).await;
    assert_eq!(count_from_the_first(&events), 2 * EVENTS);
    check_every_way_of_reading(&reader, &events).await;
}

#[tokio::test]
async fn a_reader_that_was_opened_before_reads_what_was_archived_since() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..EVENTS).await;
    let reader = WalReader::open(directory.path()).unwrap();
    store.close().await.unwrap();
    let store = open_archiving(directory.path(), 0);
    store.archive_now().await.unwrap();
    append(&store, EVENTS..EVENTS + 100).await;
    store.archive_now().await.unwrap();
    assert_eq!(count_from_the_first(&all(&reader, ReadAll::forward()).await), EVENTS + 100);
}

#[tokio::test]
async fn appending_again_what_is_archived_gives_the_first_outcome() {
    let directory = tempfile::tempdir().unwrap();
    let store = open_archiving(directory.path(), 0);
    let batch = vec![event(0), event(1)];
    let first = store.append(&stream(0), ExpectedVersion::NoStream, batch.clone()).await.unwrap();
    append(&store, 2..EVENTS).await;
    store.archive_now().await.unwrap();
    store.close().await.unwrap();

    let store = open(directory.path());
    let again = store.append(&stream(0), ExpectedVersion::NoStream, batch.clone()).await.unwrap();
    assert_eq!(again, first);
    let mut other = batch;
    other[1] = NewEvent::identified(other[1].id, EventType::new("Other").unwrap(), "else");
    let refused = store.append(&stream(0), ExpectedVersion::Any, other).await.unwrap_err();
    assert!(matches!(refused, StoreError::InvalidInput { .. }), "{refused:?}");
    assert_eq!(store.head().await.unwrap().get(), EVENTS as u64);
}

#[tokio::test]
async fn a_condition_sees_what_is_archived() {
    let directory = archived(0).await;
    let store = open(directory.path());
    let rare = EventFilter::stream(stream(0));
    let appended = |after: u64| {
        let condition = AppendCondition::none_after(rare.clone(), GlobalPosition::new(after));
        let batch = AppendBatch::single(stream(9), ExpectedVersion::Any, vec![event(9)]);
        store.append_all(batch.condition(condition))
    };
    let events = store.get_events(&stream(0)).await.unwrap();
    let last = events.last().unwrap().position.get();
    assert!(matches!(appended(3).await, Err(StoreError::ConditionFailed { at }) if at.get() == last));
    assert!(appended(last).await.is_ok());
}

#[tokio::test]
async fn segments_of_an_age_are_archived_without_being_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let policy = ArchivePolicy { keep_segments: None, older_than: None, ..ArchivePolicy::default() };
    let store = WalBackend::with_archive(directory.path(), small(), policy).unwrap();
    append(&store, 0..EVENTS).await;
    assert_eq!(store.archive_now().await.unwrap(), 0, "no limit says so");
    store.close().await.unwrap();

    let old = ArchivePolicy {
        keep_segments: None,
        older_than: Some(Duration::from_secs(3_600)),
        ..ArchivePolicy::default()
    };
    let store = WalBackend::with_archive(directory.path(), small(), old).unwrap();
    assert_eq!(store.archive_now().await.unwrap(), 0, "they are not so old");
    store.close().await.unwrap();

    let sealed = segments(directory.path()).len() - 1;
    let soon = ArchivePolicy {
        keep_segments: None,
        older_than: Some(Duration::from_millis(1)),
        ..ArchivePolicy::default()
    };
    let store = WalBackend::with_archive(directory.path(), small(), soon).unwrap();
    let all_of_them = async {
        while parts(directory.path()).len() < sealed || segments(directory.path()).len() > 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all_of_them).await.unwrap();
    assert_eq!(store.archive_now().await.unwrap(), 0, "it is done");
}

#[tokio::test]
async fn a_store_that_is_closed_meanwhile_keeps_what_is_not_archived_yet() {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let store = open_archiving(directory.path(), 0);
        append(&store, round * 40..round * 40 + 40).await;
        store.close().await.unwrap();
        assert!(matches!(store.archive_now().await, Err(StoreError::Closed)));
        let (parts, segments) = (parts(directory.path()), segments(directory.path()));
        let both = parts.iter().filter(|part| segments.contains(&part.with_extension("wal"))).count();
        assert!(both <= 1, "{parts:?} {segments:?}");
    }
    let store = open(directory.path());
    assert_eq!(count_from_the_first(&store.get_all_events().await.unwrap()), 800);
    assert_eq!(files(directory.path(), ".new"), Vec::<std::path::PathBuf>::new());
}

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
