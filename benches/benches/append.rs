//! How many events a second a store takes in: raw and typed, from one writer and from 64, one at a time and 100 at a time.
//!
//! The events are made before the clock starts, and the store is dropped after it has stopped.

#![allow(missing_docs, reason = "criterion makes functions without")]

use allframe_cqrs::{EventStore, PayloadCodec};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use eventstore_benches::{AccountEvent, Shape, append_raw, append_typed, raw_event, runtime};
use eventstore_memory::InMemoryBackend;

/// How many events one measured run appends to an empty store, at most.
const EVENTS: usize = 64_000;

fn id(what: &str, shape: Shape) -> BenchmarkId {
    BenchmarkId::new(what, format!("{} writers, batches of {}", shape.writers, shape.batch))
}

fn append(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("append/memory");
    group.sample_size(20);
    for shape in Shape::ALL {
        group.throughput(Throughput::Elements(shape.fitting(EVENTS) as u64));
        group.bench_function(id("raw", shape), |bencher| {
            bencher.to_async(&runtime).iter_batched(
                || (InMemoryBackend::new(), shape.work(EVENTS, raw_event)),
                |(backend, work)| async move {
                    append_raw(backend.clone(), shape, work).await;
                    backend
                },
                BatchSize::PerIteration,
            );
        });
        for codec in [PayloadCodec::Json, PayloadCodec::Bincode] {
            group.bench_function(id(&format!("typed, {}", codec.encoding()), shape), |bencher| {
                bencher.to_async(&runtime).iter_batched(
                    || (EventStore::new().with_codec(codec), shape.work(EVENTS, AccountEvent::nth)),
                    |(store, work)| async move {
                        append_typed(store.clone(), shape, work).await;
                        store
                    },
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

criterion_group!(benches, append);
criterion_main!(benches);
