//! A store takes as much memory and as many open files as its settings say, however large it is.

#![cfg(target_os = "linux")]

use std::{fs, path::Path};

use eventstore_api::{
    AppendBatch, EventFilter, EventStoreBackend, EventType, ExpectedVersion, NewEvent, ReadAll, StreamId,
    Tags,
};
use eventstore_rocksdb::{Durability, RocksDbBackend, RocksDbConfig};

use crate::support::{other_process, part, small};

const MIB: usize = 1 << 20;
const STREAMS: usize = 200_000;
const AT_ONCE: usize = 500;
const CACHE: usize = 8 * MIB;
const BUFFER: usize = 8 * MIB;
const OPEN_FILES: u16 = 48;

/// How much memory the process has taken at the most.
fn peak_bytes() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1_024
}

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn batch(first: usize) -> AppendBatch {
    (first..first + AT_ONCE).fold(AppendBatch::new(), |batch, number| {
        let tags = Tags::parse([format!("customer:{number}")]).unwrap();
        // Nothing that could be compressed.
        let random = |at: usize| number.wrapping_mul(31) ^ at.wrapping_mul(number | 1);
        let payload: Vec<u8> = (0..75).flat_map(|at| random(at).to_le_bytes()).collect();
        let event = NewEvent::new(EventType::new("Opened").unwrap(), payload).with_tags(tags);
        batch.append(
            StreamId::new(format!("account-{number}")).unwrap(),
            ExpectedVersion::NoStream,
            vec![event],
        )
    })
}

async fn fill_and_read(path: &Path) {
    let config = RocksDbConfig {
        durability: Durability::OsBuffered,
        cache_bytes: CACHE,
        write_buffer_bytes: BUFFER,
        max_open_files: OPEN_FILES,
        cached_streams: 1_000,
        ..small()
    };
    let store = RocksDbBackend::with_config(path, config.clone()).unwrap();
    let (before, mut most_files) = (peak_bytes(), 0);
    for first in (0..STREAMS).step_by(AT_ONCE) {
        store.append_all(batch(first)).await.unwrap();
        most_files = most_files.max(open_files());
    }
    let written = peak_bytes();
    store.close().await.unwrap();

    let store = RocksDbBackend::with_config(path, config).unwrap();
    let mut query = ReadAll::forward().limit(1_000);
    let mut seen = 0;
    loop {
        let page = store.read_all(&query).await.unwrap();
        seen += page.events.len();
        query = query.next_page(&page);
        most_files = most_files.max(open_files());
        if page.end_reached {
            break;
        }
    }
    assert_eq!(seen, STREAMS);
    for number in (0..STREAMS).step_by(97) {
        let stream = StreamId::new(format!("account-{number}")).unwrap();
        assert_eq!(store.get_events(&stream).await.unwrap().len(), 1);
        let tag = EventFilter::tagged(Tags::parse([format!("customer:{number}")]).unwrap());
        assert_eq!(store.read_all(&ReadAll::forward().filter(tag)).await.unwrap().events.len(), 1);
    }
    let read = peak_bytes();
    let on_disk: u64 =
        crate::support::files(path, "").iter().map(|file| fs::metadata(file).unwrap().len()).sum();
    assert!(on_disk > 6 * (CACHE + BUFFER) as u64, "the store is too small to tell: {on_disk}");
    let grown = read.max(written) - before;
    assert!(grown < 4 * (CACHE + BUFFER), "{grown} bytes more than the {before} in the beginning");
    assert!(most_files < usize::from(OPEN_FILES) + 48, "{most_files} files open");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_and_open_files_stay_within_bounds_however_many_streams_there_are() {
    if let Some(path) = part() {
        return fill_and_read(&path).await;
    }
    let directory = tempfile::tempdir().unwrap();
    let test = "bounded::memory_and_open_files_stay_within_bounds_however_many_streams_there_are";
    let ended =
        other_process(test, directory.path()).stdout(std::process::Stdio::inherit()).status().unwrap();
    assert!(ended.success());
}
