//! Old segments of the store on disk as Parquet: how fast they become that, and how fast they are read.
//!
//! The directory is the system's for temporary files; where that is no real disk, set `TMPDIR`.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench whose work fails measures nothing")]

use std::{
    fs,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use eventstore_api::{EventStoreBackend, ExpectedVersion, GlobalPosition, NewEvent, ReadAll, StreamId};
use eventstore_benches::{Chance, json_event, runtime};
use eventstore_wal::{ArchivePolicy, Durability, WalBackend, WalConfig};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// How many streams there are, of [`LENGTH`] events each.
const STREAMS: u64 = 50_000;
const LENGTH: u64 = 20;
const EVENTS: u64 = STREAMS * LENGTH;

/// Where the events of a stream lie.
#[derive(Clone, Copy)]
enum Lie {
    /// Appended at once.
    Together,
    /// One in each of as many rounds, as far from one another as can be.
    Apart,
}

fn config() -> WalConfig {
    // So that the last segment, which is never archived, is a small part of all.
    WalConfig { durability: Durability::OsBuffered, segment_bytes: 16 << 20, ..WalConfig::default() }
}

fn stream(number: u64) -> StreamId {
    StreamId::new(format!("account-{number}")).unwrap()
}

/// A closed store.
fn filled(runtime: &Runtime, lie: Lie) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = WalBackend::with_config(directory.path(), config()).unwrap();
    let mut chance = Chance::new(7);
    let mut events = |count| (0..count).map(|_| json_event(&mut chance)).collect::<Vec<NewEvent>>();
    runtime.block_on(async {
        let (rounds, together) = match lie {
            Lie::Together => (1, LENGTH),
            Lie::Apart => (LENGTH, 1),
        };
        for _ in 0..rounds {
            for number in 0..STREAMS {
                store.append(&stream(number), ExpectedVersion::Any, events(together)).await.unwrap();
            }
        }
        store.close().await.unwrap();
    });
    directory
}

fn open_archiving(path: &Path) -> WalBackend {
    let policy = ArchivePolicy { keep_segments: Some(0), ..ArchivePolicy::default() };
    WalBackend::with_archive(path, config(), policy).unwrap()
}

/// How many bytes the files take whose names end so.
fn bytes(directory: &Path, ending: &str) -> u64 {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.file_name().to_str().unwrap().ends_with(ending));
    files.map(|entry| entry.metadata().unwrap().len()).sum()
}

fn copy(from: &Path) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.path().join(entry.file_name())).unwrap();
    }
    to
}

async fn replay(store: &WalBackend, through: GlobalPosition) {
    let mut query = ReadAll::forward();
    while query.after < through {
        let page = store.read_all(&query).await.unwrap();
        query = query.next_page(&page);
        black_box(&page.events);
    }
}

fn archive(c: &mut Criterion) {
    let runtime = runtime();
    for (name, lie) in [("together", Lie::Together), ("apart", Lie::Apart)] {
        let segments = filled(&runtime, lie);
        let parts = copy(segments.path());
        let store = open_archiving(parts.path());
        let archived = runtime.block_on(async {
            store.archive_now().await.unwrap();
            // What is not archived is in the last segment.
            let last = fs::read_dir(parts.path()).unwrap().filter_map(|entry| {
                entry.unwrap().file_name().to_str().unwrap().strip_suffix(".wal")?.parse::<u64>().ok()
            });
            last.max().unwrap() - 1
        });
        let whole = bytes(segments.path(), ".wal") - bytes(parts.path(), ".wal");
        let (part_bytes, indexes) = (bytes(parts.path(), ".parquet"), bytes(parts.path(), ".parquet.idx"));
        #[expect(
            clippy::print_stderr,
            clippy::cast_precision_loss,
            reason = "it is told once, beside the times"
        )]
        {
            eprintln!(
                "{name}: {archived} of {EVENTS} events archived; {:.3} of the segments' bytes, with indexes {:.3}",
                part_bytes as f64 / whole as f64,
                (part_bytes + indexes) as f64 / (whole + bytes(segments.path(), ".idx")) as f64,
            );
        }
        let mut group = c.benchmark_group(format!("archive/{name}"));
        group.sample_size(10).throughput(Throughput::Elements(archived));
        group.bench_function("archiving", |bencher| {
            bencher.iter_batched(
                || copy(segments.path()),
                |place| {
                    let store = open_archiving(place.path());
                    runtime.block_on(store.archive_now()).unwrap();
                    (store, place)
                },
                BatchSize::PerIteration,
            );
        });
        let through = GlobalPosition::new(archived);
        group.bench_function("replay from the archive", |bencher| {
            bencher.to_async(&runtime).iter(|| replay(&store, through));
        });
        let plain = WalBackend::with_config(segments.path(), config()).unwrap();
        group.bench_function("replay from segments", |bencher| {
            bencher.to_async(&runtime).iter(|| replay(&plain, through));
        });
        store_reads(&mut group, &runtime, store, parts.path());
        group.finish();
    }
}

type Group<'c> = criterion::BenchmarkGroup<'c, criterion::measurement::WallTime>;

fn store_reads(group: &mut Group<'_>, runtime: &Runtime, store: WalBackend, path: &Path) {
    group.throughput(Throughput::Elements(LENGTH)).sample_size(20).measurement_time(Duration::from_secs(3));
    let id = stream(4_321);
    group.bench_function("stream of 20 again", |bencher| {
        bencher.to_async(runtime).iter(async || store.get_events(&id).await.unwrap());
    });
    let mut number = 0;
    group.bench_function("stream of 20, each another", |bencher| {
        bencher.to_async(runtime).iter(|| {
            number = (number + 7_919) % (STREAMS * 9 / 10);
            let (id, store) = (stream(number), &store);
            async move { store.get_events(&id).await.unwrap() }
        });
    });
    drop(store);
    group.sample_size(10).bench_function("stream of 20, the first of an opened store", |bencher| {
        bencher.iter_custom(|times| {
            let first = |number| {
                let store = WalBackend::with_config(path, config()).unwrap();
                let id = stream(number * 7_919 % (STREAMS * 9 / 10));
                let began = Instant::now();
                runtime.block_on(store.get_events(&id)).unwrap();
                began.elapsed()
            };
            (0..times).map(first).sum()
        });
    });
}

criterion_group!(benches, archive);
criterion_main!(benches);
