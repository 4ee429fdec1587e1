//! How fast a store gives back what it holds: one stream, and everything.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench whose work fails measures nothing")]

use std::hint::black_box;

use allframe_cqrs::{EventStore, EventStoreBackend, GlobalPosition, PayloadCodec};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use eventstore_api::{ReadAll, StreamId};
use eventstore_benches::{
    AccountEvent, STREAMS, Shape, Turnover, append_raw, append_typed, raw_event, runtime,
};
use eventstore_memory::InMemoryBackend;

/// How many events each stream holds.
const EVENTS_A_STREAM: usize = 20;
/// How many events the store holds.
const EVENTS: usize = 500_000;
/// How they come in.
const FILL: Shape = Shape { writers: 1, batch: 100 };

fn stream(c: &mut Criterion) {
    let runtime = runtime();
    let backend = InMemoryBackend::new();
    let shape = Shape { writers: 1, batch: 1 };
    let work = shape.work(STREAMS * EVENTS_A_STREAM, raw_event);
    runtime.block_on(append_raw(backend.clone(), shape, work));
    let typed = EventStore::<AccountEvent>::new();
    let id = StreamId::new("account-500").unwrap();
    runtime.block_on(async {
        let events = (0..EVENTS_A_STREAM as u64).map(AccountEvent::nth).collect();
        typed.append(&id, events).await.unwrap();
    });

    let mut group = c.benchmark_group("read/memory/stream of 20");
    group.throughput(Throughput::Elements(EVENTS_A_STREAM as u64));
    group.bench_function("raw", |bencher| {
        bencher.to_async(&runtime).iter(async || backend.get_events(&id).await.unwrap());
    });
    group.bench_function("typed, json", |bencher| {
        bencher.to_async(&runtime).iter(async || typed.get_events(&id).await.unwrap());
    });
    group.finish();
}

fn replay(c: &mut Criterion) {
    let runtime = runtime();
    let backend = InMemoryBackend::new();
    runtime.block_on(append_raw(backend.clone(), FILL, FILL.work(EVENTS, raw_event)));

    let mut group = c.benchmark_group("read/memory/replay");
    group.throughput(Throughput::Elements(EVENTS as u64)).sample_size(20);
    group.bench_function("raw", |bencher| {
        bencher.to_async(&runtime).iter(async || {
            let mut query = ReadAll::forward();
            loop {
                let page = backend.read_all(&query).await.unwrap();
                query = query.next_page(&page);
                black_box(&page.events);
                if page.end_reached {
                    return;
                }
            }
        });
    });
    for codec in [PayloadCodec::Json, PayloadCodec::Bincode] {
        let store = runtime.block_on(filled(codec));
        group.bench_function(BenchmarkId::new("typed", codec.encoding()), |bencher| {
            bencher.to_async(&runtime).iter(async || {
                let mut turnover = Turnover::default();
                store.project(&mut turnover, &mut GlobalPosition::default()).await.unwrap();
                turnover.total
            });
        });
    }
    group.finish();
}

async fn filled(codec: PayloadCodec) -> EventStore<AccountEvent> {
    let store = EventStore::new().with_codec(codec);
    append_typed(store.clone(), FILL, FILL.work(EVENTS, AccountEvent::nth)).await;
    store
}

criterion_group!(benches, stream, replay);
criterion_main!(benches);
