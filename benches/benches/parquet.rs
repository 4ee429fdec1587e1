//! Events to Parquet and back, in memory: what archiving and replaying an archive cost beside the disk.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench whose work fails measures nothing")]

use std::{hint::black_box, io::Cursor, time::Duration};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use eventstore_api::{GlobalPosition, Placement, RecordedEvent, Timestamp, Version};
use eventstore_benches::{Chance, json_event, streams};
use eventstore_parquet::{ParquetOptions, ParquetReader, ParquetWriter};

const EVENTS: u64 = 200_000;

/// Small JSON events with a tag, no two alike.
fn events() -> Vec<RecordedEvent> {
    let streams = streams();
    let mut chance = Chance::new(7);
    let event = |number: u64| {
        let stream = streams.get(usize::try_from(chance.below(streams.len() as u64)).unwrap()).unwrap();
        json_event(&mut chance).record(Placement {
            stream: stream.clone(),
            version: Version::new(number / 1_000 + 1),
            position: GlobalPosition::new(number),
            recorded_at: Timestamp::now(),
        })
    };
    (1..=EVENTS).map(event).collect()
}

fn write(events: Vec<RecordedEvent>) -> Vec<u8> {
    let mut writer = ParquetWriter::new(Vec::new(), ParquetOptions::default()).unwrap();
    for event in events {
        writer.write(event).unwrap();
    }
    writer.finish().unwrap().0
}

fn parquet(c: &mut Criterion) {
    let events = events();
    let file = write(events.clone());
    let mut group = c.benchmark_group("parquet");
    group.sample_size(10).measurement_time(Duration::from_secs(5)).throughput(Throughput::Elements(EVENTS));
    group.bench_function("write", |bencher| {
        bencher.iter_batched(|| events.clone(), write, BatchSize::PerIteration);
    });
    group.bench_function("read", |bencher| {
        bencher.iter(|| {
            let mut reader = ParquetReader::open(Cursor::new(&file)).unwrap();
            for event in reader.events() {
                black_box(event.unwrap());
            }
        });
    });
    group.finish();
}

criterion_group!(benches, parquet);
criterion_main!(benches);
