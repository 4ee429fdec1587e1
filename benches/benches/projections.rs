//! How fast a registered projection catches up, and how soon it has applied what was appended.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench whose work fails measures nothing")]
#![allow(clippy::print_stdout, reason = "what criterion does not measure is printed")]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use allframe_cqrs::{
    CheckpointPolicy, EventStore, EventStoreBackend, InMemoryBackend, PayloadCodec, Projection,
    ProjectionRegistry, Registration,
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use eventstore_benches::{AccountEvent, Shape, Turnover, append_typed, median, runtime};
use eventstore_wal::{Durability, WalBackend, WalConfig};
use tokio::runtime::Runtime;

/// How many events there are to catch up with.
const EVENTS: usize = 500_000;
/// How they come in.
const FILL: Shape = Shape { writers: 1, batch: 100 };
const LONG: Duration = Duration::from_secs(600);

/// One core, as the levels ask for.
fn one_core() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

async fn filled<B: EventStoreBackend>(backend: B, codec: PayloadCodec) -> EventStore<AccountEvent, B> {
    let store = EventStore::with_backend(backend).with_codec(codec);
    append_typed(store.clone(), FILL, FILL.work(EVENTS, AccountEvent::nth)).await;
    store
}

async fn catch_up<B: EventStoreBackend>(store: &EventStore<AccountEvent, B>, projections: usize) -> u64 {
    let registry = ProjectionRegistry::new(store.clone());
    for number in 0..projections {
        registry.add(Registration::in_memory(format!("turnover-{number}"), Turnover::default)).await.unwrap();
    }
    registry.wait_until_caught_up(LONG).await.unwrap();
    let total = registry.get_named::<Turnover>("turnover-0").await.unwrap().total;
    registry.close().await.unwrap();
    total
}

fn catching_up(c: &mut Criterion) {
    let runtime = one_core();
    let mut group = c.benchmark_group("projections/catch up");
    group.throughput(Throughput::Elements(EVENTS as u64)).sample_size(10);
    for codec in [PayloadCodec::Json, PayloadCodec::Bincode] {
        let store = runtime.block_on(filled(InMemoryBackend::new(), codec));
        group.bench_function(BenchmarkId::new("memory", codec.encoding()), |bencher| {
            bencher.to_async(&runtime).iter(|| catch_up(&store, 1));
        });
        if codec == PayloadCodec::Bincode {
            group.bench_function("memory/ten projections", |bencher| {
                bencher.to_async(&runtime).iter(|| catch_up(&store, 10));
            });
        }
    }
    for codec in [PayloadCodec::Json, PayloadCodec::Bincode] {
        let directory = tempfile::tempdir().unwrap();
        let store = runtime.block_on(filled(open(directory.path()), codec));
        group.bench_function(BenchmarkId::new("wal", codec.encoding()), |bencher| {
            bencher.to_async(&runtime).iter(|| catch_up(&store, 1));
        });
    }
    group.finish();
}

fn open(path: &Path) -> WalBackend {
    let config = WalConfig { durability: Durability::OsBuffered, ..WalConfig::default() };
    WalBackend::with_config(path, config).unwrap()
}

/// Notes when each event is applied.
#[derive(Clone, Default)]
struct Stopwatch {
    applied: Vec<Instant>,
}

impl Projection for Stopwatch {
    type Event = AccountEvent;

    fn apply(&mut self, _event: &AccountEvent) {
        self.applied.push(Instant::now());
    }
}

/// How many appends are timed.
const APPENDS: usize = 20_000;

/// From `append` returning to `apply`, one append after the other, on two workers.
fn live_latency(_c: &mut Criterion) {
    let mut delays = runtime().block_on(async {
        let store = EventStore::<AccountEvent>::new();
        let registry = ProjectionRegistry::new(store.clone());
        let never = CheckpointPolicy::default().with_events(u64::MAX);
        let stopwatch = Registration::in_memory("stopwatch", Stopwatch::default).with_checkpoints(never);
        registry.add(stopwatch).await.unwrap();
        let mut appended = Vec::with_capacity(APPENDS);
        for number in 0..APPENDS as u64 {
            let outcome = store.append("account-1", vec![AccountEvent::nth(number)]).await.unwrap();
            appended.push(Instant::now());
            // As events come that have time between them: not a backlog, whose last ones wait for the first.
            registry.wait_until(outcome.last_position, LONG).await.unwrap();
        }
        let applied = registry.get::<Stopwatch>().await.unwrap().applied.clone();
        let delays = appended
            .iter()
            .zip(&applied)
            .map(|(appended, applied)| applied.saturating_duration_since(*appended).as_secs_f64() * 1e6);
        delays.collect::<Vec<_>>()
    });
    delays.sort_by(f64::total_cmp);
    let p99 = delays.get(delays.len() * 99 / 100).copied().unwrap_or_default();
    println!(
        "projections/live latency, memory: p50 {:.1} us, p99 {p99:.1} us, of {} appends",
        median(delays.iter().copied()),
        delays.len()
    );
}

criterion_group!(benches, catching_up, live_latency);
criterion_main!(benches);
