//! Stores on disk, and what happens to them.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by failing"
)]

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use eventstore_api::{
    EventStoreBackend, EventType, ExpectedVersion, NewEvent, RecordedEvent, StreamId, Tags,
};
use eventstore_wal::{WalBackend, WalConfig};
use tempfile::TempDir;

/// Segments so small that a few events fill one.
pub(crate) fn small() -> WalConfig {
    WalConfig { segment_bytes: 4 << 10, preallocate_bytes: 4 << 10, ..WalConfig::default() }
}

pub(crate) fn open(path: &Path) -> WalBackend {
    WalBackend::with_config(path, small()).unwrap()
}

pub(crate) fn stream(number: usize) -> StreamId {
    StreamId::new(format!("account-{number}")).unwrap()
}

/// An event with a type, a tag, and a payload by which it is known again.
pub(crate) fn event(number: usize) -> NewEvent {
    let event_type = EventType::new(["Opened", "Paid", "Closed"][number % 3]).unwrap();
    let tags = Tags::parse([format!("branch:{}", number % 5)]).unwrap();
    NewEvent::new(event_type, format!("event number {number}, and some more")).with_tags(tags)
}

/// Appends events with these numbers, one at a time, to a few streams.
pub(crate) async fn append(store: &dyn EventStoreBackend, numbers: std::ops::Range<usize>) {
    for number in numbers {
        store.append(&stream(number % 7), ExpectedVersion::Any, vec![event(number)]).await.unwrap();
    }
}

/// That these are the events with numbers from 0 on, in their order, and how many.
pub(crate) fn count_from_the_first(events: &[RecordedEvent]) -> usize {
    for (number, found) in events.iter().enumerate() {
        let expected = event(number);
        assert_eq!(found.position.get(), number as u64 + 1);
        assert_eq!(found.version.get(), number as u64 / 7 + 1);
        assert_eq!((&found.stream, &found.payload), (&stream(number % 7), &expected.payload));
    }
    events.len()
}

/// What the directory holds at this moment, as a crash of the machine might leave it.
pub(crate) fn copy(from: &Path) -> TempDir {
    loop {
        let to = tempfile::tempdir().unwrap();
        match copy_files(from, to.path()) {
            Ok(()) => return to,
            // A file got its real name between being listed and being copied: that was no moment.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// The files whose names end so, in order.
pub(crate) fn files(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(ending))
        .collect();
    found.sort();
    found
}

pub(crate) fn flip(file: &Path, offset: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[offset] ^= 0x10;
    fs::write(file, bytes).unwrap();
}

/// Where the frames of a segment begin, in bytes, and behind them where the last one ends. By the layout that
/// `docs/wal-format.md` describes.
pub(crate) fn frames(segment: &Path) -> Vec<usize> {
    let bytes = fs::read(segment).unwrap();
    let mut offsets = vec![64];
    let mut offset = 64;
    while bytes.get(offset..offset + 2) == Some(b"EF") {
        let length = u32::from_le_bytes(bytes[offset + 4..offset + 8].try_into().unwrap()) as usize;
        offset += (48 + length).next_multiple_of(8);
        offsets.push(offset);
    }
    offsets
}

/// The names and the bytes of all files.
pub(crate) fn contents(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    files(directory, "").into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}
