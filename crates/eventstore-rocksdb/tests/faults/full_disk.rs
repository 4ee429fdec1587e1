//! A disk that is full, for real: one of a few megabytes, of which only the process knows that works on it.

use std::{
    fs::{self, File},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use eventstore_api::{EventStoreBackend, ExpectedVersion, NewEvent, StoreError};
use eventstore_rocksdb::{RocksDbBackend, RocksDbConfig, RocksDbError, RocksDbReader};
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use small_disk::SmallDisk;

use crate::support::{
    all, append, cause, count_from_the_first, event_of, open, other_process, part, small, stream, verified,
};

const MIB: usize = 1 << 20;

/// Runs the test of this name in a process of its own, which has such a disk; the directory, in that process.
fn on(disk: &SmallDisk, test: &str) -> Option<std::path::PathBuf> {
    if let Some(directory) = part() {
        return Some(directory);
    }
    match small_disk::available() {
        Err(why) => {
            small_disk::leave_out("what happens to a store on RocksDB on a full disk (`full_disk`)", &why);
        }
        Ok(()) => {
            let directory = tempfile::tempdir().unwrap();
            let process = other_process(&format!("full_disk::{test}"), directory.path());
            let ended = disk.at(directory.path(), &process).status().unwrap();
            assert!(ended.success(), "it failed on the small disk: {ended}");
        }
    }
    None
}

fn free(directory: &Path) -> u64 {
    let status = statvfs(directory).unwrap();
    status.f_bavail * status.f_frsize
}

/// Takes all the room but so many bytes.
fn take_room(directory: &Path, but: u64) {
    let file = File::create(directory.join("of-somebody-else")).unwrap();
    // Where others take room meanwhile, there is less than was seen.
    while let taken @ 1.. = free(directory).saturating_sub(but) {
        let end = file.metadata().unwrap().len();
        if fallocate(&file, FallocateFlags::empty(), end, taken).is_ok() {
            break;
        }
    }
}

/// Takes what is left too.
fn take_more_room(directory: &Path) {
    let file = File::options().append(true).open(directory.join("of-somebody-else")).unwrap();
    while let left @ 1.. = free(directory).min(MIB as u64) {
        let end = file.metadata().unwrap().len();
        if fallocate(&file, FallocateFlags::empty(), end, left).is_err() && left <= 4_096 {
            break;
        }
    }
}

fn give_room(directory: &Path) {
    fs::remove_file(directory.join("of-somebody-else")).unwrap();
}

async fn append_one(store: &RocksDbBackend, event: &NewEvent) -> eventstore_api::Result<()> {
    store.append(&stream(0), ExpectedVersion::Any, vec![event.clone()]).await.map(drop)
}

/// As it is told: before anything is written, or where merging files took the room that was kept for what is in memory.
fn is_want_of_room(error: &StoreError) -> bool {
    match cause(error) {
        Some(RocksDbError::NoSpace { .. }) => true,
        Some(RocksDbError::Failed { source, .. }) => source.to_string().contains("No space left"),
        _ => false,
    }
}

/// RocksDB may be about to go on by itself, and says that it is busy with it.
async fn append_when_there_is_room(store: &RocksDbBackend, event: &NewEvent) {
    let mut last = None;
    let appended = async {
        while let Err(error) = append_one(store, event).await {
            assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
            last = Some(error);
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(60), appended).await;
    assert!(in_time.is_ok(), "it does not go on: {last:?}");
}

fn ids(events: &[eventstore_api::RecordedEvent]) -> Vec<eventstore_api::EventId> {
    events.iter().map(|event| event.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_a_clear_error_loses_nothing_and_is_no_end() {
    let test = "a_full_disk_is_a_clear_error_loses_nothing_and_is_no_end";
    let Some(disk) = on(&SmallDisk::of_megabytes(64), test) else { return };
    let path = disk.join("store");
    let store = open(&path);
    take_room(&disk, 40 * MIB as u64);
    let mut acknowledged = Vec::new();
    for _ in 0..2 {
        let (refused, error) = loop {
            let event = event_of(acknowledged.len(), 64 << 10);
            match append_one(&store, &event).await {
                Ok(()) => acknowledged.push(event.id),
                Err(error) => break (event, error),
            }
            assert!(acknowledged.len() < 2_000, "the disk does not get full");
        };
        assert!(acknowledged.len() > 100, "{}", acknowledged.len());
        assert!(matches!(error, StoreError::Unavailable { .. }) && error.is_retryable(), "{error:?}");
        assert!(error.outcome_is_known(), "{error:?}");
        assert!(is_want_of_room(&error), "{error:?}");
        // Whoever looks.
        assert_eq!(ids(&all(&store).await.unwrap()), acknowledged);
        assert_eq!(store.stats().await.unwrap().total_events, acknowledged.len() as u64);

        give_room(&disk);
        append_when_there_is_room(&store, &refused).await;
        acknowledged.push(refused.id);
        take_room(&disk, 8 * MIB as u64);
    }
    store.close().await.unwrap();
    assert_eq!(verified(&path), acknowledged.len());
    assert_eq!(ids(&all(&open(&path)).await.unwrap()), acknowledged);
}

/// RocksDB looks every five seconds whether there is room again, and takes nothing until then.
#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_room_again_a_store_closes_in_good_order() {
    let test = "where_there_is_room_again_a_store_closes_in_good_order";
    let Some(disk) = on(&SmallDisk::of_megabytes(64), test) else { return };
    let path = disk.join("store");
    let batch: Vec<_> = (0..16).map(|number| event_of(number, MIB)).collect();
    for attempt in 0.. {
        assert!(attempt < 20, "it always gives up");
        let store = open(&path);
        // There is room for them in the log, and none to write them out, which the next event has done.
        take_room(&disk, 19 * MIB as u64);
        store.append(&stream(1), ExpectedVersion::Any, batch.clone()).await.unwrap();
        let mut count = batch.len();
        let refused = loop {
            match append_one(&store, &event_of(0, 10)).await {
                Ok(()) => count += 1,
                Err(error) => break error,
            }
        };
        give_room(&disk);
        // Elsewhere the room went between its look and its write.
        if !matches!(refused, StoreError::OutcomeUnknown { .. }) {
            assert!(is_want_of_room(&refused), "{refused:?}");
            store.close().await.unwrap();
            assert_eq!(verified(&path), count);
            break;
        }
        drop(store);
        fs::remove_dir_all(&path).unwrap();
    }
}

/// The room is there when the store looks, and gone when it writes.
#[tokio::test(flavor = "multi_thread")]
async fn where_somebody_else_takes_the_room_meanwhile_reopening_recovers_all_that_was_acknowledged() {
    let test = "where_somebody_else_takes_the_room_meanwhile_reopening_recovers_all_that_was_acknowledged";
    let Some(disk) = on(&SmallDisk::of_megabytes(256), test) else { return };
    let path = disk.join("store");
    // Larger than what has to stay free, so that it can be met in the middle.
    let batch: Vec<_> = (0..24).map(|number| event_of(number, MIB)).collect();
    let config = || RocksDbConfig { write_buffer_bytes: 8 * MIB, ..small() };
    let mut acknowledged = Vec::new();
    for attempt in 0.. {
        assert!(attempt < 20, "it was never met in the middle");
        let store = RocksDbBackend::with_config(&path, config()).unwrap();
        append(&store, 0..10).await;
        acknowledged = ids(&all(&store).await.unwrap());
        take_room(&disk, 34 * MIB as u64);
        let taker = Taker::start(&disk, &path);
        let appended = store.append(&stream(1), ExpectedVersion::Any, batch.clone()).await;
        taker.stop();
        match appended {
            Err(unknown @ StoreError::OutcomeUnknown { .. }) => {
                assert!(matches!(cause(&unknown), Some(RocksDbError::GaveUp { .. })), "{unknown:?}");
                takes_nothing_more(&store, &acknowledged).await;
                give_room(&disk);
                break;
            }
            // It was written before, and what was to be written out after it was met.
            _ => give_room(&disk),
        }
        let _ = store.close().await;
        fs::remove_dir_all(&path).unwrap();
    }

    let recovered = open(&path);
    let there = ids(&all(&recovered).await.unwrap());
    let whole: Vec<_> = acknowledged.iter().copied().chain(batch.iter().map(|event| event.id)).collect();
    assert!(there == acknowledged || there == whole, "{} of {}", there.len(), acknowledged.len());
    recovered.append(&stream(1), ExpectedVersion::Any, batch).await.unwrap();
    assert_eq!(ids(&all(&recovered).await.unwrap()), whole);
    recovered.close().await.unwrap();
    assert_eq!(verified(&path), whole.len());
}

async fn takes_nothing_more(store: &RocksDbBackend, acknowledged: &[eventstore_api::EventId]) {
    for _ in 0..3 {
        let later = append_one(store, &event_of(0, 10)).await.unwrap_err();
        assert!(matches!(later, StoreError::Storage { .. }), "{later:?}");
        assert!(matches!(cause(&later), Some(RocksDbError::GaveUp { .. })), "{later:?}");
    }
    assert_eq!(ids(&all(store).await.unwrap()), acknowledged);
    assert!(store.flush().await.is_err());
    assert!(store.close().await.is_err());
}

/// Somebody who takes all the room when a log has grown.
struct Taker {
    stopped: Arc<AtomicBool>,
    thread: thread::JoinHandle<()>,
}

impl Taker {
    fn start(disk: &Path, path: &Path) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let (disk, is_stopped) = (disk.to_owned(), Arc::clone(&stopped));
        let log = crate::support::files(path, ".log").pop().unwrap();
        let length = move || fs::metadata(&log).map_or(0, |it| it.len());
        let before = length();
        let thread = thread::spawn(move || {
            while !is_stopped.load(Ordering::SeqCst) {
                if length() > before {
                    return take_more_room(&disk);
                }
            }
        });
        Self { stopped, thread }
    }

    fn stop(self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.thread.join().unwrap();
    }
}

/// There is room for bytes, and none for another file: what is in memory cannot be written out.
#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_no_room_for_another_file_reading_goes_on_and_nothing_is_lost() {
    let test = "where_there_is_no_room_for_another_file_reading_goes_on_and_nothing_is_lost";
    let Some(disk) = on(&SmallDisk::of_megabytes(256).and_files(64), test) else { return };
    let path = disk.join("store");
    let store = open(&path);
    append(&store, 0..50).await;
    let mut taken = 0;
    while File::create(disk.join(format!("of-somebody-else-{taken}"))).is_ok() {
        taken += 1;
    }
    assert!(taken > 0);

    let (acknowledged, error) = append_until_refused(&store, 50).await;
    // The next log could not be begun, in an append.
    assert!(matches!(error, StoreError::OutcomeUnknown { .. } | StoreError::Unavailable { .. }), "{error:?}");
    assert_eq!(count_from_the_first(&all(&store).await.unwrap()), acknowledged);
    for number in 0..taken {
        fs::remove_file(disk.join(format!("of-somebody-else-{number}"))).unwrap();
    }
    // Where it has not given up, it closes in good order, though RocksDB has yet to notice that there is room.
    let gave_up = matches!(error, StoreError::OutcomeUnknown { .. });
    let closed = store.close().await;
    assert_eq!(closed.is_err(), gave_up, "{error:?}, {closed:?}");
    let recovered = open(&path);
    let count = count_from_the_first(&all(&recovered).await.unwrap());
    assert!(count == acknowledged || count == acknowledged + 1, "{count} of {acknowledged}");
    append(&recovered, count..count + 50).await;
    recovered.close().await.unwrap();
    assert_eq!(verified(&path), count + 50);
}

/// Appends events from this number on until one is refused; how many there are then.
async fn append_until_refused(store: &RocksDbBackend, first: usize) -> (usize, StoreError) {
    for number in first..100_000 {
        let events = vec![crate::support::event(number)];
        if let Err(error) = store.append(&stream(number), ExpectedVersion::Any, events).await {
            return (number, error);
        }
    }
    panic!("it goes on for ever")
}

/// A directory that is gone is no want of room.
#[tokio::test(flavor = "multi_thread")]
async fn work_in_the_background_that_fails_ends_all_writing_and_no_reading() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let store = open(&path);
    append(&store, 0..50).await;
    fs::remove_dir_all(&path).unwrap();
    let (acknowledged, error) = append_until_refused(&store, 50).await;
    assert!(matches!(cause(&error), Some(RocksDbError::GaveUp { .. })), "{error:?}");
    for _ in 0..3 {
        let later = append_one(&store, &event_of(0, 10)).await.unwrap_err();
        assert!(matches!(later, StoreError::Storage { .. }), "{later:?}");
        assert!(matches!(cause(&later), Some(RocksDbError::GaveUp { .. })), "{later:?}");
    }
    assert_eq!(count_from_the_first(&all(&store).await.unwrap()), acknowledged);
    assert!(store.close().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_can_only_be_read_is_read_and_not_written() {
    let Some(disk) = on(&SmallDisk::of_megabytes(64), "a_disk_that_can_only_be_read_is_read_and_not_written")
    else {
        return;
    };
    let path = disk.join("store");
    let store = open(&path);
    append(&store, 0..50).await;
    store.close().await.unwrap();
    let remounted =
        std::process::Command::new("mount").args(["-o", "remount,ro"]).arg(&disk).status().unwrap();
    assert!(remounted.success());

    for path in [path.clone(), disk.join("another")] {
        let refused = RocksDbBackend::with_config(&path, small()).unwrap_err();
        assert!(matches!(refused, StoreError::Storage { .. }), "{refused:?}");
        let text = eventstore_api::message_with_causes(&refused);
        assert!(text.contains(path.to_str().unwrap()), "{text}");
    }
    assert_eq!(verified(&path), 50);
    let reader = RocksDbReader::open(&path).unwrap();
    assert_eq!(count_from_the_first(&all(&reader).await.unwrap()), 50);
}

/// Nothing has to be written then, and nothing is tried that would end all writing.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_idle_on_a_full_disk_goes_on_when_there_is_room() {
    let test = "a_store_that_is_idle_on_a_full_disk_goes_on_when_there_is_room";
    let Some(disk) = on(&SmallDisk::of_megabytes(64), test) else { return };
    let path = disk.join("store");
    let store = open(&path);
    for round in 0..5 {
        append(&store, round * 20..round * 20 + 20).await;
        take_room(&disk, 0);
        store.flush().await.unwrap();
        give_room(&disk);
    }
    append(&store, 100..120).await;
    assert_eq!(count_from_the_first(&all(&store).await.unwrap()), 120);
    store.close().await.unwrap();
    assert_eq!(verified(&path), 120);
}
