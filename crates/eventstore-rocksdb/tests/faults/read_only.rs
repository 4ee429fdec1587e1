//! A reader sees what is durable, all of it and nothing else, whatever becomes of the one who writes.

use std::{
    fs,
    io::{Read, Write},
    path::Path,
    process::Stdio,
    time::Duration,
};

use eventstore_api::{
    EventStoreBackend, EventType, ExpectedVersion, GlobalPosition, ReadAll, RecordedEvent, Snapshot,
    StoreError, Version,
};
use eventstore_rocksdb::{Durability, RocksDbBackend, RocksDbConfig, RocksDbReader, verify};

use crate::support::{
    Killed, STREAMS, all, append, contents, copy, count_from_the_first, event, files, open, other_process,
    part, save_snapshots, small, stream,
};

const PATIENCE: Duration = Duration::from_secs(60);
const LONG: Duration = Duration::from_secs(3_600);

fn position(number: usize) -> GlobalPosition {
    GlobalPosition::new(number as u64)
}

fn reader(path: &Path) -> RocksDbReader {
    RocksDbReader::with_config(path, &small()).unwrap().poll_every(Duration::from_millis(1))
}

/// Waits until the reader shows so many events, and reads them all.
async fn shows(reader: &RocksDbReader, count: usize) {
    let waited = async { while reader.wait_past(position(count - 1)).await.unwrap() < position(count) {} };
    tokio::time::timeout(PATIENCE, waited).await.unwrap();
    assert_eq!(count_from_the_first(&all(reader).await.unwrap()), count);
}

#[tokio::test]
async fn a_reader_changes_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..100).await;
    let left = copy(directory.path());
    let before = contents(left.path());
    let reader = reader(left.path());
    assert!(count_from_the_first(&all(&reader).await.unwrap()) >= 99);
    drop(reader);
    assert!(contents(left.path()) == before);
}

#[tokio::test]
async fn appends_and_snapshots_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let reader = reader(directory.path());
    let appended = reader.append(&stream(0), ExpectedVersion::Any, vec![event(0)]).await;
    assert!(matches!(appended, Err(StoreError::ReadOnly)), "{appended:?}");
    let snapshot = Snapshot::new(stream(0), Version::new(1), EventType::new("Account").unwrap(), "state");
    let saved = reader.save_snapshot(snapshot).await;
    assert!(matches!(saved, Err(StoreError::ReadOnly)), "{saved:?}");
    reader.flush().await.unwrap();
}

/// It is not known of the last append that it is durable until the next one, a pause, or the end.
#[tokio::test]
async fn what_is_not_known_to_be_durable_is_not_seen() {
    let directory = tempfile::tempdir().unwrap();
    let config = RocksDbConfig { mark_after: LONG, ..small() };
    let store = RocksDbBackend::with_config(directory.path(), config).unwrap();
    let before = reader(directory.path());
    append(&store, 0..40).await;
    for reader in [&before, &reader(directory.path())] {
        assert_eq!(reader.head().await.unwrap(), position(39));
        assert_eq!(reader.stats().await.unwrap().total_events, 39);
        assert_eq!(count_from_the_first(&all(reader).await.unwrap()), 39);
        let of_stream = reader.get_events(&stream(39)).await.unwrap();
        assert_eq!(of_stream.len(), 39 / STREAMS);
    }
    append(&store, 40..41).await;
    assert_eq!(before.head().await.unwrap(), position(40));
}

#[tokio::test]
async fn after_a_moment_without_appends_everything_is_seen() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let reader = reader(directory.path());
    for round in 0..5 {
        append(&store, round * 20..round * 20 + 20).await;
        shows(&reader, round * 20 + 20).await;
    }
}

#[tokio::test]
async fn everything_is_seen_of_a_store_that_was_closed() {
    for durability in [Durability::Always, Durability::Interval(LONG), Durability::OsBuffered] {
        let directory = tempfile::tempdir().unwrap();
        let config = RocksDbConfig { durability, mark_after: LONG, ..small() };
        let store = RocksDbBackend::with_config(directory.path(), config).unwrap();
        let before = reader(directory.path());
        append(&store, 0..10).await;
        save_snapshots(&store).await;
        store.close().await.unwrap();
        for reader in [before, reader(directory.path())] {
            assert_eq!(count_from_the_first(&all(&reader).await.unwrap()), 10, "{durability:?}");
            assert_eq!(reader.stats().await.unwrap().total_snapshots, STREAMS as u64);
            assert!(reader.get_latest_snapshot(&stream(1)).await.unwrap().is_some());
        }
    }
}

#[tokio::test]
async fn whoever_waits_is_told_when_the_reader_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let reader = reader(directory.path()).poll_every(LONG);
    let waiting = tokio::spawn({
        let reader = reader.clone();
        async move { reader.wait_past(GlobalPosition::START).await }
    });
    tokio::task::yield_now().await;
    reader.close().await.unwrap();
    let told = tokio::time::timeout(PATIENCE, waiting).await.unwrap().unwrap();
    assert!(matches!(told, Err(StoreError::Closed)), "{told:?}");
    assert!(matches!(reader.head().await, Err(StoreError::Closed)));
    reader.close().await.unwrap();
}

/// What one that follows has seen.
struct Follower {
    reader: RocksDbReader,
    seen: Vec<RecordedEvent>,
}

impl Follower {
    fn new(path: &Path) -> Self {
        Self { reader: reader(path), seen: Vec::new() }
    }

    /// Waits for more, and reads on.
    async fn follow(&mut self) {
        let more = self.reader.wait_past(position(self.seen.len()));
        tokio::time::timeout(PATIENCE, more).await.unwrap().unwrap();
        self.read_on().await;
    }

    /// Reads on from where it is; everything is in its order and there once, and the counts are of what a full read finds.
    async fn read_on(&mut self) {
        let before = self.seen.len();
        let head = self.reader.head().await.unwrap();
        let mut query = ReadAll::after(position(before)).limit(500);
        loop {
            let page = self.reader.read_all(&query).await.unwrap();
            query = query.next_page(&page);
            self.seen.extend(page.events);
            if page.end_reached {
                break;
            }
        }
        assert!(self.seen.len() as u64 >= head.get(), "{} of {head}", self.seen.len());
        for (number, found) in self.seen.iter().enumerate().skip(before) {
            assert_eq!((found.position, &found.stream), (position(number + 1), &stream(number)));
            assert_eq!(found.version.get(), (number / STREAMS) as u64 + 1);
            assert_eq!(found.payload, event(number).payload);
        }
        let stats = self.reader.stats().await.unwrap();
        let full = all(&self.reader).await.unwrap();
        assert_eq!(stats.total_events, stats.head.get());
        assert!(stats.total_events >= self.seen.len() as u64 && full.len() as u64 >= stats.total_events);
        assert_eq!(stats.total_streams, STREAMS.min(self.seen.len()) as u64);
        let of_stream = self.reader.get_events(&stream(before)).await.unwrap();
        assert!(of_stream.len() >= self.seen.len() / STREAMS);
        let expected = full.iter().filter(|event| event.stream == stream(before));
        assert!(
            expected.eq(of_stream.iter().take(full.iter().filter(|it| it.stream == stream(before)).count()))
        );
    }
}

/// How many events a process appends before it waits to be killed.
const A_LIFE: usize = 2_000;

/// Appends, with so little memory that files come and go, until it is killed.
async fn append_until_killed(path: &Path) {
    let store = open(path);
    let first = usize::try_from(store.head().await.unwrap().get()).unwrap();
    append(&store, first..first + A_LIFE).await;
    std::future::pending::<()>().await;
}

/// Two followers, one of them opened late, while the writer is killed and opened again.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_another_process_sees_everything_once_though_it_is_killed_again_and_again() {
    if let Some(path) = part() {
        return append_until_killed(&path).await;
    }
    let test =
        "read_only::whoever_follows_another_process_sees_everything_once_though_it_is_killed_again_and_again";
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let mut first = Follower::new(directory.path());
    let mut most_files = 0;
    for round in 1..=8 {
        let mut writer = Killed(other_process(test, directory.path()).spawn().unwrap());
        let mut late = Follower::new(directory.path());
        let enough = first.seen.len() + A_LIFE * round / 10;
        while first.seen.len() < enough {
            first.follow().await;
            late.read_on().await;
            most_files = most_files.max(files(directory.path(), ".sst").len());
        }
        writer.kill();
        let store = open(directory.path());
        let recovered = all(&store).await.unwrap();
        assert!(recovered.len() >= first.seen.len() && recovered[..first.seen.len()] == first.seen[..]);
        // What was appended last is seen when the store has been open for a moment.
        shows(&first.reader, recovered.len()).await;
        store.close().await.unwrap();
        verify(directory.path()).unwrap();
        first.seen = recovered;
    }
    assert!(most_files > 6, "it was never written out: {most_files}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_that_closes_in_good_order_is_followed_to_its_end() {
    if let Some(path) = part() {
        let store = open(&path);
        append(&store, 0..300).await;
        store.close().await.unwrap();
        std::io::stdout().write_all(b"closed\n").unwrap();
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()));
    let mut follower = Follower::new(directory.path());
    let test = "read_only::another_process_that_closes_in_good_order_is_followed_to_its_end";
    let mut process = other_process(test, directory.path());
    let mut writer = Killed(process.stdin(Stdio::piped()).spawn().unwrap());
    while follower.seen.len() < 300 {
        follower.follow().await;
    }
    drop(writer.0.stdin.take());
    assert!(writer.0.wait().unwrap().success());
    assert_eq!(follower.reader.head().await.unwrap(), position(300));
    // Another one goes on.
    let store = open(directory.path());
    append(&store, 300..320).await;
    shows(&follower.reader, 320).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn any_number_of_reads_at_once_see_the_log_without_a_hole() {
    let directory = tempfile::tempdir().unwrap();
    let config = RocksDbConfig { durability: Durability::OsBuffered, ..small() };
    let store = RocksDbBackend::with_config(directory.path(), config).unwrap();
    let reader = reader(directory.path());
    let readers: Vec<_> = (0..6)
        .map(|number| {
            let reader = reader.clone();
            tokio::spawn(async move {
                let mut seen = 0;
                while seen < 6_000 {
                    let head = reader.wait_past(position(seen)).await.unwrap().get();
                    let everything = all(&reader).await.unwrap();
                    let of_stream = reader.get_events(&stream(number)).await.unwrap();
                    let count = count_from_the_first(&everything);
                    assert!(count as u64 >= head && head > seen as u64, "{count} {head} {seen}");
                    let before = everything.iter().filter(|event| event.stream == stream(number)).count();
                    assert!(of_stream.len() >= before);
                    seen = count;
                }
            })
        })
        .collect();
    append(&store, 0..6_000).await;
    for reader in readers {
        reader.await.unwrap();
    }
    drop(store);
    assert!(fs::read_dir(directory.path()).unwrap().count() > 6);
}
