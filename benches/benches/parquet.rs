//! Events to Parquet and back, in memory: what archiving and replaying an archive cost beside the disk.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench whose work fails measures nothing")]

use std::{hint::black_box, io::Cursor, time::Duration};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use eventstore_api::{
    Encoding, EventType, GlobalPosition, NewEvent, Placement, RecordedEvent, Tags, Timestamp, Version,
};
use eventstore_benches::streams;
use eventstore_parquet::{ParquetOptions, ParquetReader, ParquetWriter};

const EVENTS: u64 = 200_000;

/// Small JSON events with a tag, no two alike.
fn events() -> Vec<RecordedEvent> {
    let streams = streams();
    let mut chance = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: u64| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) % below
    };
    let event = |number: u64| {
        let payload = format!(
            r#"{{"amount":{},"currency":"EUR","from":"account-{}","reference":"{:016x}{:016x}"}}"#,
            next(1_000_000),
            next(50_000),
            next(u64::MAX),
            next(u64::MAX),
        );
        let stream = streams.get(usize::try_from(next(streams.len() as u64)).unwrap()).unwrap();
        NewEvent::new(EventType::new("Deposited").unwrap(), payload)
            .with_encoding(Encoding::JSON)
            .with_tags(Tags::parse([format!("person:{}", next(1_000))]).unwrap())
            .record(Placement {
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
