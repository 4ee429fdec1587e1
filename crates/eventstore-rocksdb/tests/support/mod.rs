//! Stores on disk, what is put into them, and the other processes that work on them.

use std::{
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use eventstore_api::{
    EventStoreBackend, EventType, ExpectedVersion, NewEvent, ReadAll, RecordedEvent, Result, Snapshot,
    StoreError, StreamId, Tags, Version, message_with_causes,
};
use eventstore_rocksdb::{Compression, RocksDbBackend, RocksDbConfig, RocksDbError, verify};
use tempfile::TempDir;

/// How many streams there are.
pub(crate) const STREAMS: usize = 7;

/// So little memory that a few thousand events make several files, none of them compressed.
pub(crate) fn small() -> RocksDbConfig {
    RocksDbConfig {
        cache_bytes: 1 << 20,
        write_buffer_bytes: 1 << 20,
        compression: Compression::None,
        max_open_files: 64,
        ..RocksDbConfig::default()
    }
}

pub(crate) fn open(path: &Path) -> RocksDbBackend {
    RocksDbBackend::with_config(path, small()).unwrap()
}

pub(crate) fn stream(number: usize) -> StreamId {
    StreamId::new(format!("account-{}", number % STREAMS)).unwrap()
}

/// An event with a type, a tag, and a payload by which it is known again: so many bytes of it.
pub(crate) fn event_of(number: usize, bytes: usize) -> NewEvent {
    let event_type = EventType::new(["Opened", "Paid", "Closed"][number % 3]).unwrap();
    let tags = Tags::parse([format!("branch:{}", number % 5)]).unwrap();
    let mut payload = format!("event number {number}");
    while payload.len() < bytes {
        payload.push_str(" and some more");
    }
    payload.truncate(bytes.max(24));
    NewEvent::new(event_type, payload).with_tags(tags)
}

pub(crate) fn event(number: usize) -> NewEvent {
    event_of(number, 600)
}

/// Appends events with these numbers, one at a time, to a few streams.
pub(crate) async fn append(store: &dyn EventStoreBackend, numbers: Range<usize>) {
    for number in numbers {
        store.append(&stream(number), ExpectedVersion::Any, vec![event(number)]).await.unwrap();
    }
}

/// Saves a snapshot of each stream.
pub(crate) async fn save_snapshots(store: &dyn EventStoreBackend) {
    for number in 0..STREAMS {
        let kind = EventType::new("Account").unwrap();
        let snapshot = Snapshot::new(stream(number), Version::new(1), kind, format!("state {number}"));
        store.save_snapshot(snapshot).await.unwrap();
    }
}

/// That these are the events with numbers from 0 on, in their order, and how many.
#[track_caller]
pub(crate) fn count_from_the_first(events: &[RecordedEvent]) -> usize {
    for (number, found) in events.iter().enumerate() {
        assert_eq!(found.position.get(), number as u64 + 1);
        assert_eq!(found.version.get(), (number / STREAMS) as u64 + 1);
        assert_eq!((&found.stream, &found.payload), (&stream(number), &event(number).payload));
    }
    events.len()
}

/// All events, through as many pages as it takes.
pub(crate) async fn all(store: &dyn EventStoreBackend) -> Result<Vec<RecordedEvent>> {
    let (mut events, mut query) = (Vec::new(), ReadAll::forward());
    loop {
        let page = store.read_all(&query).await?;
        query = query.next_page(&page);
        events.extend(page.events);
        if page.end_reached {
            return Ok(events);
        }
    }
}

/// How many events a verification counts.
#[track_caller]
pub(crate) fn verified(directory: &Path) -> usize {
    usize::try_from(verify(directory).unwrap().stats.total_events).unwrap()
}

/// What the directory holds at this moment, as the end of a process might leave it. The file `LOCK` is not touched: closing
/// it would take the lock from whoever has it in this process.
pub(crate) fn copy(from: &Path) -> TempDir {
    try_copy(from).unwrap()
}

/// The same, where files may go meanwhile.
pub(crate) fn try_copy(from: &Path) -> io::Result<TempDir> {
    let to = tempfile::tempdir()?;
    for file in files(from, "") {
        fs::copy(&file, to.path().join(file.file_name().unwrap()))?;
    }
    Ok(to)
}

/// The files whose names end so, in order; but `LOCK`, and what RocksDB tells about itself.
pub(crate) fn files(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let is_meant = |name: &str| name.ends_with(ending) && name != "LOCK" && !name.starts_with("LOG");
    let mut found: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && is_meant(path.file_name().unwrap().to_str().unwrap()))
        .collect();
    found.sort();
    found
}

/// The names and the bytes of all of these files.
pub(crate) fn contents(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    files(directory, "").into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// What RocksDB, or the crate, gives as the reason.
pub(crate) fn cause(error: &StoreError) -> Option<&RocksDbError> {
    std::error::Error::source(error).and_then(|source| source.downcast_ref())
}

/// That it is told as damage, in these words.
#[track_caller]
pub(crate) fn assert_corrupted<T: std::fmt::Debug>(answer: Result<T>, words: &str) {
    match answer {
        Err(error @ StoreError::Corrupted { .. }) => {
            let text = message_with_causes(&error);
            assert!(text.contains(words), "{words}: {text}");
        }
        other => panic!("{words}: {other:?}"),
    }
}

/// Where another process, that runs the same test, is told what to do.
const PART: &str = "EVENTSTORE_ROCKSDB_TEST_PART";

/// What this process is told to do, when it is not the one that runs the tests.
pub(crate) fn part() -> Option<PathBuf> {
    std::env::var_os(PART).map(PathBuf::from)
}

/// Another process, which runs this test too, and finds this path as its [`part`].
pub(crate) fn other_process(test: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(PART, path).stdout(Stdio::null());
    command
}

/// A process that is killed where the test ends before.
pub(crate) struct Killed(pub(crate) Child);

impl Killed {
    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
