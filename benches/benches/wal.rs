//! The store on disk beside what the disk itself can do: everything in one run, since only the ratios mean something.
//!
//! `raw` writes and syncs what an append takes on disk, at the same places, without a store around it. The directory is
//! the system's for temporary files; where that is no real disk, set `TMPDIR`.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench whose work fails measures nothing")]

use std::{fs, hint::black_box, os::unix::fs::FileExt, path::Path, time::Duration};

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use eventstore_api::{EventStoreBackend, ReadAll, StreamId};
use eventstore_benches::{PAYLOAD_BYTES, STREAMS, Shape, append_raw, raw_event, runtime};
use eventstore_wal::{Durability, WalBackend, WalConfig};
use tempfile::TempDir;

/// How many bytes an event takes in the log beyond its payload, appended alone, about.
const ALONE: usize = 110;
/// The same, appended with 99 others.
const AMONG_OTHERS: usize = 34;

fn durable(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("wal/durable");
    group.sample_size(10).measurement_time(Duration::from_secs(5));

    raw(&mut group, "1 event", PAYLOAD_BYTES + ALONE, 1);
    for (writers, events) in [(1, 2_000), (8, 16_000), (64, 64_000), (256, 128_000), (1_024, 256_000)] {
        let shape = Shape { writers, batch: 1 };
        append(&mut group, &runtime, &format!("{writers} writers"), shape, events, Durability::Always);
    }
    raw(&mut group, "100 events", (PAYLOAD_BYTES + AMONG_OTHERS) * 100, 100);
    let shape = Shape { writers: 1, batch: 100 };
    append(&mut group, &runtime, "1 writer, batches of 100", shape, 100_000, Durability::Always);
    group.finish();
}

fn os_buffered(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("wal/os buffered");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    for writers in [1, 64] {
        let shape = Shape { writers, batch: 1 };
        append(&mut group, &runtime, &format!("{writers} writers"), shape, 64_000, Durability::OsBuffered);
    }
    group.finish();
}

type Group<'c> = criterion::BenchmarkGroup<'c, criterion::measurement::WallTime>;

/// What the disk does of one write and one sync after the other, on a file that is as long as it will be.
fn raw(group: &mut Group<'_>, name: &str, bytes: usize, events: u64) {
    const FILE_BYTES: usize = 64 << 20;
    let directory = tempfile::tempdir().unwrap();
    let file = fs::File::create_new(directory.path().join("raw")).unwrap();
    file.write_all_at(&vec![0; FILE_BYTES], 0).unwrap();
    file.sync_all().unwrap();
    let record = vec![b'x'; bytes];
    let mut offset = 0_usize;
    group.throughput(Throughput::Elements(events));
    group.bench_function(BenchmarkId::new("raw write and fdatasync", name), |bencher| {
        bencher.iter(|| {
            file.write_all_at(&record, offset as u64).unwrap();
            file.sync_data().unwrap();
            offset = (offset + bytes) % (FILE_BYTES - bytes);
        });
    });
}

fn append(
    group: &mut Group<'_>,
    runtime: &tokio::runtime::Runtime,
    name: &str,
    shape: Shape,
    events: usize,
    durability: Durability,
) {
    group.throughput(Throughput::Elements(shape.fitting(events) as u64));
    group.bench_function(name, |bencher| {
        bencher.to_async(runtime).iter_batched(
            || {
                let directory = tempfile::tempdir().unwrap();
                (open(directory.path(), durability), directory, shape.work(events, raw_event))
            },
            |(store, directory, work)| async move {
                append_raw(store.clone(), shape, work).await;
                (store, directory)
            },
            BatchSize::PerIteration,
        );
    });
}

fn open(path: &Path, durability: Durability) -> WalBackend {
    WalBackend::with_config(path, WalConfig { durability, ..WalConfig::default() }).unwrap()
}

/// How many events the stores hold that are read and opened.
const EVENTS: usize = 1_000_000;

fn read(c: &mut Criterion) {
    let runtime = runtime();
    let directory = filled(&runtime);
    let store = open(directory.path(), Durability::Always);
    let mut group = c.benchmark_group("wal/read");
    group.sample_size(10).throughput(Throughput::Elements(EVENTS as u64));
    group.bench_function("replay", |bencher| {
        bencher.to_async(&runtime).iter(async || {
            let mut query = ReadAll::forward();
            loop {
                let page = store.read_all(&query).await.unwrap();
                query = query.next_page(&page);
                black_box(&page.events);
                if page.end_reached {
                    return;
                }
            }
        });
    });
    group.finish();
    drop(store);

    // Twenty events each, as far apart as they can be.
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), Durability::OsBuffered);
    let shape = Shape { writers: 1, batch: 1 };
    runtime.block_on(append_raw(store.clone(), shape, shape.work(STREAMS * 20, raw_event)));
    let id = StreamId::new("account-500").unwrap();
    let mut group = c.benchmark_group("wal/read");
    group.throughput(Throughput::Elements(20));
    group.bench_function("stream of 20", |bencher| {
        bencher.to_async(&runtime).iter(async || store.get_events(&id).await.unwrap());
    });
    group.finish();
}

fn opening(c: &mut Criterion) {
    let runtime = runtime();
    let closed = filled(&runtime);
    let killed = tempfile::tempdir().unwrap();
    let store = open(closed.path(), Durability::Always);
    copy(closed.path(), killed.path());
    drop(store);
    let mut group = c.benchmark_group("wal/open 1,000,000 events");
    group.sample_size(10);
    for (name, directory) in [("closed", &closed), ("killed", &killed)] {
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || {
                    let place = tempfile::tempdir().unwrap();
                    copy(directory.path(), place.path());
                    place
                },
                |place| (open(place.path(), Durability::Always), place),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// A closed store of [`EVENTS`] events.
fn filled(runtime: &tokio::runtime::Runtime) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), Durability::OsBuffered);
    let shape = Shape { writers: 1, batch: 10 };
    runtime.block_on(append_raw(store.clone(), shape, shape.work(EVENTS, raw_event)));
    drop(store);
    directory
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

criterion_group!(benches, durable, os_buffered, read, opening);
criterion_main!(benches);
