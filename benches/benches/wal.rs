//! The store on disk where no disk has to be waited for; durable appends are in `durable.rs`.
//!
//! The directory is the system's for temporary files; where that is no real disk, set `TMPDIR`.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench whose work fails measures nothing")]

use std::{fs, hint::black_box, path::Path, time::Duration};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use eventstore_api::{EventStoreBackend, ReadAll, StreamId};
use eventstore_benches::{STREAMS, Shape, append_raw, raw_event, runtime};
use eventstore_wal::{Durability, WalBackend, WalConfig};
use tempfile::TempDir;

fn os_buffered(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("wal/os buffered");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    for writers in [1, 64] {
        let shape = Shape { writers, batch: 1 };
        append(&mut group, &runtime, &format!("{writers} writers"), shape, 64_000);
    }
    group.finish();
}

type Group<'c> = criterion::BenchmarkGroup<'c, criterion::measurement::WallTime>;

fn append(group: &mut Group<'_>, runtime: &tokio::runtime::Runtime, name: &str, shape: Shape, events: usize) {
    group.throughput(Throughput::Elements(shape.fitting(events) as u64));
    group.bench_function(name, |bencher| {
        bencher.to_async(runtime).iter_batched(
            || {
                let directory = tempfile::tempdir().unwrap();
                (open(directory.path(), Durability::OsBuffered), directory, shape.work(events, raw_event))
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

criterion_group!(benches, os_buffered, read, opening);
criterion_main!(benches);
