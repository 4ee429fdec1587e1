//! Events of every kind there is.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "not every test uses all of it, and a test says what went wrong by failing"
)]

use std::{io::Cursor, ops::Range};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use eventstore_api::{
    Encoding, EventId, EventType, GlobalPosition, Metadata, NewEvent, Placement, RecordedEvent, StreamId,
    Tags, Timestamp, Version,
};
use eventstore_parquet::{ParquetOptions, ParquetReader, ParquetWriter, Summary};
use proptest::{collection, prelude::*};

/// A text that may be a name.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,12}", "[a-zA-Z0-9:/ -]{1,250}", "\\PC{1,40}"]
        .prop_map(|text| text.trim().to_owned())
        .prop_filter("a name is not empty", |text| {
            StreamId::new(text.clone()).is_ok() && EventType::new(text.clone()).is_ok()
        })
}

fn payload() -> impl Strategy<Value = (Encoding, Vec<u8>)> {
    prop_oneof![
        "\\PC{0,200}".prop_map(|text| (Encoding::JSON, text.into_bytes())),
        any::<String>().prop_map(|text| (Encoding::JSON, text.into_bytes())),
        collection::vec(any::<u8>(), 0..200).prop_map(|bytes| (Encoding::JSON, bytes)),
        (any::<u8>(), collection::vec(any::<u8>(), 0..200))
            .prop_map(|(encoding, bytes)| (Encoding::new(encoding), bytes)),
    ]
}

fn metadata() -> impl Strategy<Value = Metadata> {
    let value = prop_oneof!["\\PC{0,30}", any::<String>()];
    collection::btree_map("[a-z_]{1,10}", value, 0..4).prop_filter_map("is metadata", |entries| {
        Metadata::from_stored(entries.iter().map(|(name, value)| (name.as_str(), value.as_str()))).ok()
    })
}

fn tags() -> impl Strategy<Value = Tags> {
    collection::btree_set("[a-z]{1,6}:[a-z0-9]{1,8}", 0..5)
        .prop_filter_map("are tags", |tags| Tags::parse(tags).ok())
}

/// Some events, whose positions rise and have gaps.
pub(crate) fn events(most: usize) -> impl Strategy<Value = Vec<RecordedEvent>> {
    let event = (name(), name(), payload(), metadata(), tags(), any::<(u128, u32, u64, i64)>(), 1..1_000_u64);
    collection::vec(event, 0..most).prop_map(|parts| {
        let mut position = 0_u64;
        parts
            .into_iter()
            .map(|(stream, event_type, (encoding, payload), metadata, tags, numbers, gap)| {
                let (id, schema_version, version, time) = numbers;
                position += gap;
                NewEvent::identified(
                    EventId::from_uuid(uuid::Uuid::from_u128(id)),
                    EventType::new(event_type).unwrap(),
                    payload,
                )
                .with_encoding(encoding)
                .with_schema_version(schema_version)
                .with_metadata(metadata)
                .with_tags(tags)
                .record(Placement {
                    stream: StreamId::new(stream).unwrap(),
                    version: Version::new(version),
                    position: GlobalPosition::new(position),
                    recorded_at: Timestamp::from_micros(time),
                })
            })
            .collect()
    })
}

/// So many events of few streams, as stores have them.
pub(crate) fn usual(count: u64) -> Vec<RecordedEvent> {
    (1..=count)
        .map(|number| {
            let payload = format!(r#"{{"amount":{},"by":"person-{}"}}"#, number * 7 % 1_000, number % 13);
            let event_type =
                EventType::new(["Opened", "Deposited", "Closed"][(number % 3) as usize]).unwrap();
            NewEvent::identified(
                EventId::from_uuid(uuid::Uuid::from_u128(u128::from(number) << 64 | 7)),
                event_type,
                payload,
            )
            .with_encoding(Encoding::JSON)
            .with_tags(Tags::parse([format!("person:{}", number % 13)]).unwrap())
            .record(Placement {
                stream: StreamId::new(format!("account-{:03}", number * number % 20)).unwrap(),
                version: Version::new(number / 20 + 1),
                position: GlobalPosition::new(number),
                recorded_at: Timestamp::from_micros(1_700_000_000_000_000 + number as i64 * 1_000),
            })
        })
        .collect()
}

pub(crate) fn write(events: &[RecordedEvent], options: ParquetOptions) -> (Vec<u8>, Summary) {
    let mut writer = ParquetWriter::new(Vec::new(), options).unwrap();
    for event in events {
        writer.write(event.clone()).unwrap();
    }
    writer.finish().unwrap()
}

pub(crate) fn small_groups(events: usize) -> ParquetOptions {
    ParquetOptions { row_group_events: events, ..ParquetOptions::default() }
}

pub(crate) fn open(file: Vec<u8>) -> ParquetReader<Cursor<Vec<u8>>> {
    ParquetReader::open(Cursor::new(file)).unwrap()
}

/// A page of a file, as `docs/parquet-format.md` says where it is.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) group: usize,
    pub(crate) column: usize,
    /// The rows, over the whole file.
    pub(crate) rows: Range<u64>,
    /// The bytes of the file.
    pub(crate) bytes: Range<usize>,
    pub(crate) checksum: u32,
}

/// All pages of a file, in their order in it.
pub(crate) fn pages(file: &[u8], summary: &Summary) -> Vec<Page> {
    let directory = directory(file);
    let mut words = directory.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap()));
    let mut word = || words.next().unwrap();
    let page_events = u64::from(word()) | u64::from(word()) << 32;
    let mut pages = Vec::new();
    let mut first = 0;
    for (group, of_summary) in summary.row_groups.iter().enumerate() {
        let end = first + of_summary.events;
        for column in 0..12 {
            let mut at = (u64::from(word()) | u64::from(word()) << 32) as usize;
            for row in (first..end).step_by(page_events as usize) {
                let (length, checksum) = (word() as usize, word());
                let (rows, bytes) = (row..(row + page_events).min(end), at..at + length);
                pages.push(Page { group, column, rows, bytes, checksum });
                at += length;
            }
        }
        first = end;
    }
    assert_eq!(words.next(), None);
    pages
}

/// The value of `eventstore.pages`: behind its key in the end of the file, after a byte for its type, and its length.
fn directory(file: &[u8]) -> Vec<u8> {
    let key = b"eventstore.pages";
    let at = file.windows(key.len()).rposition(|bytes| bytes == key).unwrap() + key.len() + 1;
    let digits = file[at..].iter().position(|byte| *byte < 0x80).unwrap() + 1;
    let length =
        file[at..at + digits].iter().rev().fold(0, |length, byte| length << 7 | usize::from(byte & 0x7f));
    BASE64_STANDARD.decode(&file[at + digits..at + digits + length]).unwrap()
}
