//! The store on RocksDB, beside bare RocksDB that does the same puts, with the same batching, as durable.
//!
//! A disk drifts within a minute more than what is to be seen here, so the two take turns, and each line is the median of
//! many. The directory is the system's for temporary files; where that is no real disk, set `TMPDIR`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench whose work fails measures nothing, and what it measures is printed"
)]

mod bare;
mod killed;

use std::{
    env, fs,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use eventstore_api::{EventStoreBackend, ReadAll, StreamId};
use eventstore_benches::{STREAMS, Shape, append_raw, median, raw_event, runtime};
use eventstore_rocksdb::{Durability, RocksDbBackend, RocksDbConfig};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use self::{bare::Bare, killed::KILLED};

/// How many turns each line of appends takes, and each of reads.
const ROUNDS: usize = 15;
const READS: usize = 9;
/// How many events the stores hold that are read and opened.
const EVENTS: usize = 1_000_000;

/// What is appended: a shape, how many events a turn has, and the level that is to be reached.
const APPENDS: [(Shape, usize, &str); 5] = [
    (Shape { writers: 1, batch: 1 }, 500, ""),
    (Shape { writers: 64, batch: 1 }, 16_000, "0.8 of bare"),
    (Shape { writers: 256, batch: 1 }, 64_000, ""),
    (Shape { writers: 1, batch: 100 }, 50_000, "200,000/s"),
    (Shape { writers: 8, batch: 100 }, 160_000, "200,000/s"),
];

fn main() {
    if let Some(path) = env::var_os(KILLED) {
        killed::fill(&runtime(), path.as_ref());
    }
    // As criterion has it: a run that only shows that the bench works.
    let is_test = env::args().any(|argument| argument == "--test");
    let wanted = env::args().skip(1).find(|argument| !argument.starts_with("--")).unwrap_or_default();
    let is_wanted = |name: &str| name.contains(&wanted);
    let (rounds, reads, events) = if is_test { (1, 1, 10_000) } else { (ROUNDS, READS, EVENTS) };
    let runtime = runtime();
    println!("{:<42} {:>14} {:>14} {:>7}   level", "", "measured", "bare", "ratio");
    for (shape, count, level) in APPENDS {
        let name = format!("append, {} writers, batches of {}", shape.writers, shape.batch);
        if is_wanted(&name) {
            append(&runtime, &name, shape, if is_test { count / 50 } else { count }, rounds, level);
        }
    }
    if is_wanted("replay") {
        replay(&runtime, events, reads);
    }
    if is_wanted("stream of 20") {
        stream(&runtime, if is_test { 100 } else { 20_000 });
    }
    if is_wanted("open") {
        open(&runtime, events, reads);
    }
}

fn line(name: &str, measured: f64, bare: Option<f64>, unit: &str, level: &str) {
    let peer = bare.map_or_else(String::new, |bare| format!("{bare:.0}{unit}"));
    let ratio = bare.map_or_else(String::new, |bare| format!("{:.2}", measured / bare));
    println!("{name:<42} {:>14} {peer:>14} {ratio:>7}   {level}", format!("{measured:.0}{unit}"));
}

/// Appends to both in turn.
fn append(runtime: &Runtime, name: &str, shape: Shape, events: usize, rounds: usize, level: &str) {
    let directory = tempfile::tempdir().unwrap();
    let store = RocksDbBackend::open(directory.path().join("store")).unwrap();
    let bare = Bare::open(&directory.path().join("bare"), true);
    let turns = (0..rounds).map(|_| {
        let work = shape.work(events, raw_event);
        let its = bare::work(&work);
        let began = Instant::now();
        runtime.block_on(bare.append(its));
        let bare = rate(shape.fitting(events), began.elapsed());
        let began = Instant::now();
        runtime.block_on(append_raw(store.clone(), shape, work));
        (rate(shape.fitting(events), began.elapsed()), bare)
    });
    let turns: Vec<_> = turns.collect();
    let measured = median(turns.iter().map(|(measured, _)| *measured));
    let ratio = median(turns.iter().map(|(measured, bare)| measured / bare));
    // The ratio is the median of the turns' ratios.
    line(name, measured, Some(measured / ratio), "/s", level);
}

/// Reads everything, page by page, beside an iterator over the same records.
fn replay(runtime: &Runtime, events: usize, rounds: usize) {
    let directory = filled(runtime, events);
    let store = RocksDbBackend::open(directory.path()).unwrap();
    let bare = tempfile::tempdir().unwrap();
    let bare = Bare::open(bare.path(), false);
    let shape = Shape { writers: 1, batch: 100 };
    runtime.block_on(bare.append(bare::work(&shape.work(events, raw_event))));
    for page in [ReadAll::DEFAULT_LIMIT, 4_096] {
        let turns = (0..rounds).map(|_| {
            let began = Instant::now();
            assert_eq!(bare.read_all(), events);
            let bare = rate(events, began.elapsed());
            let began = Instant::now();
            let seen = runtime.block_on(read_all(&store, page));
            assert_eq!(seen, events);
            (rate(events, began.elapsed()), bare)
        });
        let turns: Vec<_> = turns.collect();
        let measured = median(turns.iter().map(|(measured, _)| *measured));
        let ratio = median(turns.iter().map(|(measured, bare)| measured / bare));
        line(&format!("replay, pages of {page}"), measured, Some(measured / ratio), "/s", "1,000,000/s");
    }
}

async fn read_all(store: &RocksDbBackend, page: usize) -> usize {
    let mut query = ReadAll::forward().limit(page);
    let mut seen = 0;
    loop {
        let page = store.read_all(&query).await.unwrap();
        query = query.next_page(&page);
        seen += black_box(&page.events).len();
        if page.end_reached {
            return seen;
        }
    }
}

/// Reads streams of twenty events, which lie as far apart as they can.
fn stream(runtime: &Runtime, reads: usize) {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open_with(directory.path(), Durability::OsBuffered);
    let shape = Shape { writers: 1, batch: 1 };
    runtime.block_on(append_raw(store.clone(), shape, shape.work(STREAMS * 20, raw_event)));
    for name in ["in memory", "in files"] {
        let ids: Vec<StreamId> = eventstore_benches::streams().to_vec();
        let took = runtime.block_on(async {
            let mut took = Vec::with_capacity(reads);
            for id in ids.iter().cycle().take(reads) {
                let began = Instant::now();
                let events = store.get_events(id).await.unwrap();
                took.push(began.elapsed().as_secs_f64() * 1e6);
                assert_eq!(events.len(), 20);
            }
            took
        });
        line(&format!("stream of 20, {name}"), median(took.into_iter()), None, " us", "40 us");
        runtime.block_on(store.close()).unwrap();
        store = open_with(directory.path(), Durability::OsBuffered);
    }
}

/// Opens a store, after it was closed and after it was killed.
fn open(runtime: &Runtime, events: usize, rounds: usize) {
    let closed = filled(runtime, events);
    let killed = tempfile::tempdir().unwrap();
    copy(closed.path(), killed.path());
    killed::append_and_be_killed(killed.path());
    for (name, directory) in [("closed", &closed), ("killed", &killed)] {
        let took = (0..rounds).map(|_| {
            let place = tempfile::tempdir().unwrap();
            copy(directory.path(), place.path());
            let began = Instant::now();
            let store = RocksDbBackend::open(place.path()).unwrap();
            let took = began.elapsed().as_secs_f64() * 1e3;
            drop(store);
            took
        });
        let took = median(took.collect::<Vec<_>>().into_iter());
        line(&format!("open {events} events, {name}"), took, None, " ms", "500 ms");
    }
}

/// A closed store of so many events.
fn filled(runtime: &Runtime, events: usize) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = open_with(directory.path(), Durability::OsBuffered);
    let shape = Shape { writers: 1, batch: 10 };
    runtime.block_on(append_raw(store.clone(), shape, shape.work(events, raw_event)));
    runtime.block_on(store.close()).unwrap();
    directory
}

fn open_with(path: &Path, durability: Durability) -> RocksDbBackend {
    RocksDbBackend::with_config(path, RocksDbConfig { durability, ..RocksDbConfig::default() }).unwrap()
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn rate(events: usize, took: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a count of some thousands")]
    let events = events as f64;
    events / took.as_secs_f64()
}
