//! How many events a second a store takes in: raw and typed, from one writer and from 64, one at a time and 100 at a time.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench whose work fails measures nothing")]

use allframe_cqrs::{EventStore, PayloadCodec};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use eventstore_benches::{AccountEvent, append_raw, runtime, streams};
use eventstore_memory::InMemoryBackend;

/// How many events one measured run appends to an empty store.
const EVENTS: usize = 64_000;

fn raw(c: &mut Criterion) {
    let mut group = c.benchmark_group("append/memory/raw");
    group.throughput(Throughput::Elements(EVENTS as u64)).sample_size(20);
    for (writers, batch) in [(1, 1), (1, 100), (64, 1), (64, 100)] {
        // The work is shared out evenly: what does not divide would not be appended.
        let events = EVENTS / (writers * batch) * (writers * batch);
        group.throughput(Throughput::Elements(events as u64));
        group.bench_function(
            BenchmarkId::new(format!("{writers} writers"), format!("batch {batch}")),
            |bencher| {
                bencher.to_async(runtime()).iter_batched(
                    InMemoryBackend::new,
                    move |backend| async move {
                        append_raw(&backend, writers, batch, events).await;
                        backend
                    },
                    BatchSize::PerIteration,
                );
            },
        );
    }
    group.finish();
}

fn typed(c: &mut Criterion) {
    let mut group = c.benchmark_group("append/memory/typed");
    group.throughput(Throughput::Elements(EVENTS as u64)).sample_size(20);
    for codec in [PayloadCodec::Json, PayloadCodec::Bincode] {
        for batch in [1, 100] {
            group.bench_function(
                BenchmarkId::new(codec.encoding().to_string(), format!("batch {batch}")),
                |bencher| {
                    bencher.to_async(runtime()).iter_batched(
                        || (EventStore::<AccountEvent>::new().with_codec(codec), appends(batch)),
                        |(store, appends)| append_typed(store, appends),
                        BatchSize::PerIteration,
                    );
                },
            );
        }
    }
    group.finish();
}

/// The events of each append, made before the clock starts.
fn appends(batch: usize) -> Vec<Vec<AccountEvent>> {
    let mut events = (0..).map(AccountEvent::nth);
    (0..EVENTS / batch).map(|_| events.by_ref().take(batch).collect()).collect()
}

async fn append_typed(
    store: EventStore<AccountEvent>,
    appends: Vec<Vec<AccountEvent>>,
) -> EventStore<AccountEvent> {
    let streams = streams();
    for (stream, events) in streams.iter().cycle().zip(appends) {
        store.append(stream, events).await.unwrap();
    }
    store
}

criterion_group!(benches, raw, typed);
criterion_main!(benches);
