//! A reader sees what is durable, all of it and nothing else, while another writes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what went wrong by failing"
)]

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::Duration,
};

use eventstore_api::{
    Direction, EventFilter, EventStoreBackend, EventType, ExpectedVersion, GlobalPosition, ReadAll, Snapshot,
    StoreError, StreamRange, Tags, Version, message_with_causes,
};
use eventstore_wal::{Durability, WalBackend, WalConfig, WalReader};

use crate::support::{
    append, contents, copy, count_from_the_first, event, files, flip, frames, open, small, stream,
};

fn position(number: u64) -> GlobalPosition {
    GlobalPosition::new(number)
}

#[track_caller]
fn assert_corrupted<T: std::fmt::Debug>(
    answer: Result<T, StoreError>,
    file: &std::path::Path,
    offset: usize,
) {
    match answer {
        Err(StoreError::Corrupted { place, .. }) => {
            assert_eq!(place, format!("{}, byte {offset}", file.display()));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_store_that_does_not_exist_is_an_error_and_is_not_created() {
    let directory = tempfile::tempdir().unwrap();
    for path in [directory.path().to_owned(), directory.path().join("missing")] {
        let error = WalBackend::open_read_only(&path).unwrap_err();
        assert!(matches!(error, StoreError::Storage { .. }), "{error:?}");
        assert!(message_with_causes(&error).contains(path.to_str().unwrap()), "{error:?}");
    }
    assert_eq!(contents(directory.path()), []);
}

#[tokio::test]
async fn a_reader_changes_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..100).await;
    // As it is after a crash, and without some of its indexes.
    let crashed = copy(directory.path());
    for index in files(crashed.path(), ".idx") {
        fs::remove_file(index).unwrap();
    }
    let before = contents(crashed.path());
    let reader = WalReader::open(crashed.path()).unwrap();
    assert_eq!(count_from_the_first(&reader.get_all_events().await.unwrap()), 100);
    assert_eq!(contents(crashed.path()), before);
}

#[tokio::test]
async fn a_reader_takes_no_lock() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let reader = WalReader::open(directory.path()).unwrap();
    let store = open(directory.path());
    append(&store, 0..3).await;
    assert_eq!(reader.head().await.unwrap(), position(3));
}

#[tokio::test]
async fn appends_and_snapshots_are_refused() {
    let store = WalBackend::new().unwrap();
    let reader = WalBackend::open_read_only(store.path()).unwrap();
    let appended = reader.append(&stream(0), ExpectedVersion::Any, vec![event(0)]).await;
    assert!(matches!(appended, Err(StoreError::ReadOnly)), "{appended:?}");
    let snapshot = Snapshot::new(stream(0), Version::new(1), EventType::new("Account").unwrap(), "state");
    let saved = reader.save_snapshot(snapshot).await;
    assert!(matches!(saved, Err(StoreError::ReadOnly)), "{saved:?}");
    reader.flush().await.unwrap();
}

#[tokio::test]
async fn a_reader_that_was_there_before_the_first_event_sees_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let reader = WalReader::open(directory.path()).unwrap();
    assert_eq!(reader.stats().await.unwrap().total_events, 0);
    assert_eq!(reader.get_all_events().await.unwrap(), []);
    append(&store, 0..1).await;
    assert_eq!(count_from_the_first(&reader.get_all_events().await.unwrap()), 1);
    assert_eq!(reader.get_events(&stream(0)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_reader_follows_from_segment_to_segment() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let reader = WalReader::open(directory.path()).unwrap();
    for round in 0..30 {
        append(&store, round * 10..round * 10 + 10).await;
        let late = WalReader::open(directory.path()).unwrap();
        for reader in [&reader, &late] {
            let all = reader.get_all_events().await.unwrap();
            assert_eq!(count_from_the_first(&all), round * 10 + 10);
            assert_eq!(reader.stats().await.unwrap(), store.stats().await.unwrap());
            assert_eq!(reader.damage(), None);
        }
    }
    assert!(files(directory.path(), ".wal").len() > 10);
    assert_reads_are_equal(&reader, &store).await;
    store.close().await.unwrap();

    let store = open(directory.path());
    append(&store, 300..350).await;
    assert_reads_are_equal(&reader, &store).await;
    assert_reads_are_equal(&WalReader::open(directory.path()).unwrap(), &store).await;
}

/// That the reader answers all kinds of reads as the writer does.
async fn assert_reads_are_equal(reader: &WalReader, store: &WalBackend) {
    for number in 0..8 {
        let stream = stream(number);
        let ranges = [
            StreamRange::all(),
            StreamRange::after(Version::new(20)).limit(5),
            StreamRange::backward().limit(12),
            StreamRange::before(Version::new(9)),
        ];
        for range in ranges {
            let expected = store.read_stream(&stream, range).await.unwrap();
            assert_eq!(reader.read_stream(&stream, range).await.unwrap(), expected, "{stream} {range:?}");
        }
    }
    let filters = [
        EventFilter::all(),
        EventFilter::types([EventType::new("Paid").unwrap()]),
        EventFilter::tagged(Tags::parse(["branch:3"]).unwrap()),
        EventFilter::stream_prefix("account-4"),
    ];
    for filter in filters {
        for direction in [Direction::Forward, Direction::Backward] {
            let all = if direction == Direction::Forward { ReadAll::forward() } else { ReadAll::backward() };
            let query = all.limit(40).filter(filter.clone());
            let expected = store.read_all(&query).await.unwrap();
            assert_eq!(reader.read_all(&query).await.unwrap(), expected, "{query:?}");
        }
    }
}

#[tokio::test]
async fn what_is_not_durable_is_not_seen() {
    let directory = tempfile::tempdir().unwrap();
    let config = WalConfig { durability: Durability::OsBuffered, ..WalConfig::default() };
    let store = WalBackend::with_config(directory.path(), config).unwrap();
    let before = WalReader::open(directory.path()).unwrap();
    append(&store, 0..50).await;
    let after = WalReader::open(directory.path()).unwrap();
    for reader in [&before, &after] {
        assert_eq!(reader.stats().await.unwrap().total_events, 0);
        assert_eq!(reader.get_all_events().await.unwrap(), []);
        assert_eq!(reader.get_events(&stream(0)).await.unwrap(), []);
    }
    store.flush().await.unwrap();
    append(&store, 50..60).await;
    for reader in [&before, &after, &WalReader::open(directory.path()).unwrap()] {
        assert_eq!(count_from_the_first(&reader.get_all_events().await.unwrap()), 50);
        assert_eq!(reader.stats().await.unwrap().total_events, 50);
    }
}

#[tokio::test]
async fn the_frames_say_how_far_they_are_durable_where_nothing_else_does() {
    let directory = tempfile::tempdir().unwrap();
    let config = WalConfig { mark_after: Duration::from_secs(3_600), ..small() };
    let store = WalBackend::with_config(directory.path(), config).unwrap();
    append(&store, 0..40).await;
    let crashed = copy(directory.path());
    fs::remove_file(crashed.path().join("SYNCED")).unwrap();
    let reader = WalReader::open(crashed.path()).unwrap();
    // Of the last append nothing but its own frame tells, which does not know.
    assert_eq!(count_from_the_first(&reader.get_all_events().await.unwrap()), 39);
}

#[tokio::test]
async fn a_word_of_the_writer_that_makes_no_sense_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..10).await;
    let crashed = copy(directory.path());
    let reader = WalReader::open(crashed.path()).unwrap();
    let synced = crashed.path().join("SYNCED");
    let good = fs::read(&synced).unwrap();
    flip(&synced, 9);
    assert_eq!(count_from_the_first(&reader.get_all_events().await.unwrap()), 10);
    fs::write(&synced, good).unwrap();
    assert_eq!(count_from_the_first(&reader.get_all_events().await.unwrap()), 10);
    assert_eq!(reader.damage(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn any_number_of_reads_at_once_see_the_log_without_a_hole() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let reader = WalReader::open(directory.path()).unwrap().poll_every(Duration::from_millis(1));
    let readers: Vec<_> = (0..6)
        .map(|number| {
            let reader = reader.clone();
            tokio::spawn(async move {
                let mut seen = 0;
                while seen < 300 {
                    let head = reader.wait_past(position(seen)).await.unwrap().get();
                    let all = reader.get_all_events().await.unwrap();
                    let of_stream = reader.get_events(&stream(number)).await.unwrap();
                    let count = count_from_the_first(&all) as u64;
                    assert!(count >= head && head > seen, "{count} {head} {seen}");
                    let before = all.iter().filter(|event| event.stream == stream(number)).count();
                    assert!(of_stream.len() >= before);
                    assert!(of_stream.iter().zip(1..).all(|(event, version)| event.version.get() == version));
                    seen = count;
                }
            })
        })
        .collect();
    append(&store, 0..300).await;
    for reader in readers {
        reader.await.unwrap();
    }
}

#[tokio::test]
async fn whoever_waits_is_told_when_the_reader_is_closed() {
    let store = WalBackend::new().unwrap();
    let reader = WalReader::open(store.path()).unwrap().poll_every(Duration::from_secs(3_600));
    let waiting = tokio::spawn({
        let reader = reader.clone();
        async move { reader.wait_past(GlobalPosition::START).await }
    });
    tokio::task::yield_now().await;
    reader.close().await.unwrap();
    assert!(matches!(waiting.await.unwrap(), Err(StoreError::Closed)));
    assert!(matches!(reader.head().await, Err(StoreError::Closed)));
}

#[tokio::test]
async fn damage_in_a_sealed_segment_is_met_where_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..60).await;
    store.close().await.unwrap();
    let segment = &files(directory.path(), ".wal")[1];
    let damaged = frames(segment)[3];
    flip(segment, damaged + 60);
    let reader = WalReader::open(directory.path()).unwrap();
    assert_eq!(reader.damage(), None, "it was not looked at");
    assert_corrupted(reader.get_all_events().await, segment, damaged);
    let first = segment.file_stem().unwrap().to_str().unwrap().parse::<u64>().unwrap();
    let lost = first + 3;
    let behind = reader.read_all(&ReadAll::after(position(lost + 40))).await;
    assert_corrupted(reader.read_all(&ReadAll::after(position(lost - 1))).await, segment, damaged);
    assert!(behind.unwrap().end_reached);
}

#[tokio::test]
async fn damage_without_an_index_ends_what_is_seen() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..60).await;
    store.close().await.unwrap();
    let segment = &files(directory.path(), ".wal")[1];
    fs::remove_file(segment.with_extension("idx")).unwrap();
    let damaged = frames(segment)[3];
    flip(segment, damaged + 60);
    let seen = segment.file_stem().unwrap().to_str().unwrap().parse::<usize>().unwrap() + 2;
    assert_serves_what_lies_before(&WalReader::open(directory.path()).unwrap(), seen, segment, damaged).await;
}

#[tokio::test]
async fn damage_in_the_active_segment_ends_what_is_seen() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..20).await;
    let crashed = copy(directory.path());
    let segment = files(crashed.path(), ".wal").pop().unwrap();
    let offsets = frames(&segment);
    let first = segment.file_stem().unwrap().to_str().unwrap().parse::<usize>().unwrap();
    for (number, inside) in [(0, 60), (2, 8), (2, 60)] {
        let damaged = offsets[number];
        flip(&segment, damaged + inside);
        let reader = WalReader::open(crashed.path()).unwrap();
        assert_serves_what_lies_before(&reader, first - 1 + number, &segment, damaged).await;
        flip(&segment, damaged + inside);
    }
    assert_eq!(WalReader::open(crashed.path()).unwrap().damage(), None);
}

#[tokio::test]
async fn a_segment_that_is_missing_ends_what_is_seen() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..60).await;
    store.close().await.unwrap();
    let segment = &files(directory.path(), ".wal")[2];
    let seen = segment.file_stem().unwrap().to_str().unwrap().parse::<usize>().unwrap() - 1;
    fs::remove_file(segment).unwrap();
    assert_serves_what_lies_before(&WalReader::open(directory.path()).unwrap(), seen, segment, 0).await;
}

/// That so many events are served, and that whoever comes to the damage is told.
async fn assert_serves_what_lies_before(
    reader: &WalReader,
    seen: usize,
    file: &std::path::Path,
    offset: usize,
) {
    let damage = reader.damage().expect("it was found");
    assert_eq!(
        (std::path::Path::new(&damage.file), damage.offset),
        (file, offset as u64),
        "{}",
        damage.detail
    );
    let stats = reader.stats().await.unwrap();
    assert_eq!((stats.total_events, stats.head), (seen as u64, position(seen as u64)));

    let mut all = Vec::new();
    let mut query = ReadAll::forward().limit(7);
    let answer = loop {
        match reader.read_all(&query).await {
            Ok(page) => {
                assert!(!page.end_reached);
                query = query.next_page(&page);
                all.extend(page.events);
            }
            Err(error) => break Err::<(), _>(error),
        }
    };
    assert_corrupted(answer, file, offset);
    assert_eq!(count_from_the_first(&all), seen);

    assert_corrupted(reader.get_events(&stream(0)).await, file, offset);
    assert_corrupted(reader.read_all(&ReadAll::backward()).await, file, offset);
    assert_corrupted(reader.wait_past(position(seen as u64)).await, file, offset);
    let before = reader.read_all(&ReadAll::before(position(seen as u64 + 1)).limit(100)).await.unwrap();
    assert_eq!(before.events.len(), seen);
    if let Some(last) = all.iter().rev().find(|event| event.stream == stream(0)) {
        let range = StreamRange::all().limit(usize::try_from(last.version.get()).unwrap());
        assert!(reader.read_stream(&stream(0), range).await.unwrap().end_reached);
        let back = StreamRange::before(last.version.next());
        assert!(reader.read_stream(&stream(0), back).await.unwrap().end_reached);
        assert_corrupted(reader.read_stream(&stream(0), StreamRange::backward()).await, file, offset);
    }
}

#[tokio::test]
async fn a_damaged_manifest_is_an_error_at_its_place() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let manifest = directory.path().join("MANIFEST");
    flip(&manifest, 20);
    assert_corrupted(WalReader::open(directory.path()), &manifest, 0);
}

#[tokio::test]
async fn a_damaged_index_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..60).await;
    store.close().await.unwrap();
    // The writer looks into other files than those that are damaged below.
    let whole = copy(directory.path());
    let store = open(whole.path());
    let indexes = files(directory.path(), ".idx");
    let length = fs::read(&indexes[0]).unwrap().len();
    for offset in (0..length).step_by(9) {
        for index in indexes.iter().filter(|index| fs::read(index).unwrap().len() > offset) {
            flip(index, offset);
        }
        assert_reads_are_equal(&WalReader::open(directory.path()).unwrap(), &store).await;
        for index in indexes.iter().filter(|index| fs::read(index).unwrap().len() > offset) {
            flip(index, offset);
        }
    }
}

/// Where the process that is started below is told which store to write, and how many events.
const WRITE_TO: &str = "EVENTSTORE_WAL_TEST_WRITE_TO";
const WRITE_EVENTS: &str = "EVENTSTORE_WAL_TEST_WRITE_EVENTS";

/// Whether this is the other process of a test: then it has appended by now, and the test is over.
async fn is_the_other_process() -> bool {
    let Ok(path) = std::env::var(WRITE_TO) else { return false };
    let events = std::env::var(WRITE_EVENTS).unwrap().parse().unwrap();
    let store = open(path.as_ref());
    append(&store, 0..events).await;
    store.close().await.unwrap();
    true
}

/// Another process, which runs this test too and appends so many events, one after the other.
fn write_in_another_process(test: &str, path: &std::path::Path, events: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("read_only::{test}")])
        .env(WRITE_TO, path)
        .env(WRITE_EVENTS, events.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn another_process_is_followed_to_its_end() {
    if is_the_other_process().await {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let reader = WalReader::open(directory.path()).unwrap().poll_every(Duration::from_millis(2));
    let mut writer =
        write_in_another_process("another_process_is_followed_to_its_end", directory.path(), 500);
    let mut all = Vec::new();
    while all.len() < 500 {
        let head = reader.wait_past(position(all.len() as u64)).await.unwrap();
        let query = ReadAll::after(position(all.len() as u64)).limit(1_000);
        let page = reader.read_all(&query).await.unwrap();
        all.extend(page.events);
        assert!(count_from_the_first(&all) as u64 >= head.get());
    }
    assert!(writer.wait().unwrap().success());
    assert_eq!(reader.stats().await.unwrap().total_events, 500);
}

#[tokio::test]
async fn what_was_seen_is_there_after_the_writer_was_killed() {
    if is_the_other_process().await {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let reader = WalReader::open(directory.path()).unwrap().poll_every(Duration::from_millis(1));
    let mut writer = write_in_another_process(
        "what_was_seen_is_there_after_the_writer_was_killed",
        directory.path(),
        usize::MAX,
    );
    let mut seen = position(0);
    while seen < position(150) {
        seen = reader.wait_past(seen).await.unwrap();
    }
    writer.kill().unwrap();
    writer.wait().unwrap();
    let seen = reader.get_all_events().await.unwrap();
    count_from_the_first(&seen);
    assert!(eventstore_wal::verify(directory.path()).unwrap().is_sound());

    let store = open(directory.path());
    let recovered = store.get_all_events().await.unwrap();
    assert_eq!(recovered[..seen.len()], seen[..]);
    append(&store, recovered.len()..recovered.len() + 100).await;
    assert_eq!(count_from_the_first(&reader.get_all_events().await.unwrap()), recovered.len() + 100);
    assert_eq!(reader.damage(), None);
}
