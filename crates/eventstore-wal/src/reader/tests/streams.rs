//! Streams whose segments' indexes are read when somebody asks for a stream, and not before.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use eventstore_api::{
    EventStoreBackend, EventType, ExpectedVersion, GlobalPosition, NewEvent, ReadAll, RecordedEvent,
    StreamId, StreamRange,
};
use tempfile::TempDir;

use crate::{
    Durability, WalBackend, WalConfig,
    damage::Failure,
    disk::{Directory, FewOpenFiles, bad_drive::BadDrive},
    index::Wait,
    reader::{prefix, shared::Shared},
    stats::stats,
};

fn config() -> WalConfig {
    WalConfig { durability: Durability::OsBuffered, segment_bytes: 8 << 10, ..WalConfig::default() }
}

fn writer(path: &Path) -> WalBackend {
    WalBackend::with_config(path, config()).unwrap()
}

fn stream(number: usize) -> StreamId {
    StreamId::new(format!("account-{number}")).unwrap()
}

/// Events of ten old streams, and one of a stream of its own each.
async fn append(store: &WalBackend, numbers: std::ops::Range<usize>) {
    for number in numbers {
        for stream in [stream(number % 10), stream(1_000 + number)] {
            let event = NewEvent::new(EventType::new("Opened").unwrap(), vec![b'x'; 100]);
            store.append(&stream, ExpectedVersion::Any, vec![event]).await.unwrap();
        }
    }
}

/// A store of several segments that was closed.
async fn closed_store() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = writer(directory.path());
    append(&store, 0..200).await;
    store.close().await.unwrap();
    directory
}

/// A reader that may have so many files open.
fn reader(path: &Path, files: usize) -> Shared {
    let directory = Directory::existing(path).unwrap();
    Shared::open(Arc::new(FewOpenFiles::with_most(Arc::new(directory), files))).unwrap()
}

fn is_settled(reader: &Shared) -> bool {
    reader.catalog().heads.is_settled()
}

fn events_of(reader: &Shared, stream: &StreamId) -> Vec<RecordedEvent> {
    let range = StreamRange::all();
    reader
        .look(Wait::Allowed, &|shared, wait| prefix::read_stream(shared, stream, range, wait))
        .unwrap()
        .events
}

/// What the reader says, and which of the streams it reads as the writer does.
async fn assert_sees_all_of(reader: &Shared, store: &WalBackend, streams: impl IntoIterator<Item = usize>) {
    reader.look(Wait::Allowed, &|_, _| Ok(())).unwrap();
    assert_eq!(stats(reader.catalog(), 0), store.stats().await.unwrap());
    for number in streams {
        let expected = store.get_events(&stream(number)).await.unwrap();
        assert_eq!(events_of(reader, &stream(number)), expected, "{number}");
    }
}

#[tokio::test]
async fn nothing_is_taken_up_before_somebody_asks_for_a_stream() {
    let directory = closed_store().await;
    let reader = reader(directory.path(), 100);
    let stats = stats(reader.catalog(), 0);
    assert_eq!((stats.total_events, stats.total_streams), (400, 210));
    let query = ReadAll::forward();
    let page = reader.look(Wait::Allowed, &|shared, wait| prefix::read_all(shared, &query, wait)).unwrap();
    assert!(!page.events.is_empty());
    assert!(!is_settled(&reader));

    let range = StreamRange::all();
    let asked =
        reader.look(Wait::Never, &|shared, wait| prefix::read_stream(shared, &stream(3), range, wait));
    assert!(asked.is_err() && !is_settled(&reader), "{asked:?}");
    assert_eq!(events_of(&reader, &stream(3)).len(), 20);
    assert!(is_settled(&reader));
    assert_sees_all_of(&reader, &writer(directory.path()), [0, 9, 10, 1_000, 1_199]).await;
}

#[tokio::test]
async fn whoever_writes_on_is_followed() {
    for files in [1, 100] {
        for asks_before in [false, true] {
            let directory = closed_store().await;
            let reader = reader(directory.path(), files);
            if asks_before {
                assert_eq!(events_of(&reader, &stream(7)).len(), 20);
            }
            // Each time the index of the last segment is written anew.
            for round in 2..6 {
                let store = writer(directory.path());
                append(&store, round * 100..round * 100 + 3).await;
                store.flush().await.unwrap();
                let asked = if asks_before { vec![0, 7, 1_000, 1_000 + round * 100] } else { Vec::new() };
                assert_sees_all_of(&reader, &store, asked).await;
                store.close().await.unwrap();
            }
            let store = writer(directory.path());
            assert_sees_all_of(&reader, &store, [0, 1, 2, 7, 9, 10, 1_000, 1_199, 1_300, 1_502]).await;
        }
    }
}

/// The reader has the file of the last segment's index open, and has read nothing of it but how many streams there are.
#[tokio::test]
async fn an_index_that_has_lost_its_name_is_read_all_the_same() {
    let directory = closed_store().await;
    let reader = reader(directory.path(), 1);
    let store = writer(directory.path());
    append(&store, 200..201).await;
    store.close().await.unwrap();
    assert!(!is_settled(&reader));
    // As of its opening: it has not looked since.
    let range = StreamRange::all();
    let page = prefix::read_stream(&reader, &stream(9), range, Wait::Allowed).unwrap();
    assert_eq!(page.events.len(), 20);
    let page = prefix::read_stream(&reader, &stream(1_199), range, Wait::Allowed).unwrap();
    assert_eq!(page.events.len(), 1);
}

/// The indexes in their order; the last is that of the segment that was written last.
fn indexes(path: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let mut indexes: Vec<_> = names.filter(|path| path.extension().is_some_and(|it| it == "idx")).collect();
    indexes.sort();
    assert!(indexes.len() > 3, "{indexes:?}");
    indexes
}

fn wipe_out(file: &Path) {
    let bytes = fs::read(file).unwrap();
    fs::write(file, vec![0xff; bytes.len()]).unwrap();
}

/// What there is of streams in [`closed_store`].
fn assert_sees_old_streams(reader: &Shared) {
    for number in [0, 9, 1_000, 1_199] {
        let expected = if number < 10 { 20 } else { 1 };
        assert_eq!(events_of(reader, &stream(number)).len(), expected, "{number}");
    }
}

/// After the reader has looked at them: all, the last, all but the last.
#[tokio::test]
async fn an_index_that_is_damaged_meanwhile_is_made_anew() {
    for which in 0..3 {
        let directory = closed_store().await;
        let reader = reader(directory.path(), 1);
        let indexes = indexes(directory.path());
        let (last, others) = indexes.split_last().unwrap();
        if which < 2 {
            wipe_out(last);
        }
        if which != 1 {
            others.iter().for_each(|index| wipe_out(index));
        }
        assert_sees_old_streams(&reader);
        let store = writer(directory.path());
        append(&store, 500..503).await;
        store.flush().await.unwrap();
        assert_sees_all_of(&reader, &store, [0, 7, 1_000, 1_199, 1_500, 1_502]).await;
    }
}

/// Nobody asks for a stream before there are new events.
#[tokio::test]
async fn an_index_that_is_damaged_before_there_are_new_events_is_made_anew() {
    let directory = closed_store().await;
    let reader = reader(directory.path(), 1);
    indexes(directory.path()).iter().for_each(|index| wipe_out(index));
    let store = writer(directory.path());
    append(&store, 500..503).await;
    store.flush().await.unwrap();
    assert_sees_all_of(&reader, &store, [0, 7, 1_000, 1_199, 1_500, 1_502]).await;
}

/// A drive that gives indexes no more after the reader has looked at them.
#[tokio::test]
async fn an_index_that_cannot_be_read_any_more_is_made_anew() {
    for is_written_on in [false, true] {
        let directory = closed_store().await;
        let is_bad = Arc::new(AtomicBool::new(false));
        let drive = BadDrive::new(directory.path(), ".idx", 0..u64::MAX).when(&is_bad);
        let reader = Shared::open(Arc::new(drive)).unwrap();
        is_bad.store(true, Ordering::SeqCst);
        if is_written_on {
            let store = writer(directory.path());
            append(&store, 500..503).await;
            store.flush().await.unwrap();
            assert_sees_all_of(&reader, &store, [0, 7, 1_000, 1_199, 1_500, 1_502]).await;
        } else {
            assert_sees_old_streams(&reader);
        }
    }
}

/// The log is damaged too, where nobody has noticed it: what cannot be read is never left out in silence.
#[tokio::test]
async fn an_index_is_not_made_of_half_a_segment() {
    for last_too in [false, true] {
        let directory = closed_store().await;
        let expected: Vec<_> = {
            let reader = reader(directory.path(), 1);
            [3, 9, 1_198, 1_199].map(|number| (stream(number), events_of(&reader, &stream(number)))).into()
        };
        let reader = reader(directory.path(), 1);
        let indexes = indexes(directory.path());
        let segment = indexes.last().unwrap().with_extension("wal");
        let mut bytes = fs::read(&segment).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&segment, bytes).unwrap();
        wipe_out(&indexes[0]);
        if last_too {
            wipe_out(indexes.last().unwrap());
        }
        let range = StreamRange::all();
        for (stream, events) in expected {
            let read =
                reader.look(Wait::Allowed, &|shared, wait| prefix::read_stream(shared, &stream, range, wait));
            match read {
                Ok(page) if page.end_reached => assert_eq!(page.events, events, "{stream}"),
                Ok(page) => assert!(events.starts_with(&page.events), "{stream}"),
                Err(failure) => assert!(matches!(failure, Failure::Damaged(_)), "{failure:?}"),
            }
        }
    }
}

/// An old segment is damaged and so is its index, which new events need: what is sound is read, and it is told what is not.
#[tokio::test]
async fn damage_that_is_met_in_mending_keeps_nobody_from_what_is_sound() {
    let directory = closed_store().await;
    let reader = reader(directory.path(), 1);
    let store = writer(directory.path());
    let index = indexes(directory.path()).remove(0);
    wipe_out(&index);
    let segment = index.with_extension("wal");
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segment, bytes).unwrap();
    append(&store, 500..501).await;
    store.flush().await.unwrap();

    let query = ReadAll::after(GlobalPosition::new(300));
    for _ in 0..2 {
        let page =
            reader.look(Wait::Allowed, &|shared, wait| prefix::read_all(shared, &query, wait)).unwrap();
        assert!(page.events.iter().any(|event| event.stream == stream(1_199)));
        assert_eq!(reader.damage().map(|it| it.file.clone()), Some(segment.display().to_string()));
        let range = StreamRange::all();
        let read =
            reader.look(Wait::Allowed, &|shared, wait| prefix::read_stream(shared, &stream(9), range, wait));
        assert!(matches!(read, Err(Failure::Damaged(_))), "{read:?}");
    }
}

/// One that another has put in the place of one that was damaged.
#[tokio::test]
async fn an_index_that_was_replaced_by_a_sound_one_is_read() {
    let directory = closed_store().await;
    let reader = reader(directory.path(), 1);
    let index = indexes(directory.path()).remove(0);
    let sound = fs::read(&index).unwrap();
    // The file that is open, and then its name.
    wipe_out(&index);
    let beside = directory.path().join("replacement");
    fs::write(&beside, sound).unwrap();
    fs::rename(&beside, &index).unwrap();
    assert_sees_old_streams(&reader);
    assert!(!reader.catalog().segments()[0].index().is_in_memory());
}

#[cfg(feature = "parquet")]
#[tokio::test]
async fn where_a_part_has_taken_the_place_of_a_segment_its_index_is_asked() {
    for files in [1, 100] {
        let directory = closed_store().await;
        let reader = reader(directory.path(), files);
        let policy = crate::ArchivePolicy { keep_segments: Some(0), ..Default::default() };
        let store = WalBackend::with_archive(directory.path(), config(), policy).unwrap();
        store.archive_now().await.unwrap();
        assert!(store.stats().await.unwrap().specific::<crate::WalStats>().unwrap().parts > 3);
        assert!(!is_settled(&reader));
        assert_sees_all_of(&reader, &store, [0, 7, 1_000, 1_199]).await;
        store.close().await.unwrap();
    }
}
