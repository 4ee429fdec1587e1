//! What is written is read, whatever it is.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what went wrong by failing"
)]

use crate::support::{events, open, pages, small_groups, usual, write};
use eventstore_api::{Encoding, GlobalPosition, Metadata, RecordedEvent, Tags, Timestamp, Version};
use eventstore_parquet::{ParquetError, ParquetOptions, ParquetWriter};
use proptest::prelude::*;

fn read(file: Vec<u8>) -> Vec<RecordedEvent> {
    open(file).events().collect::<Result<_, _>>().unwrap()
}

proptest! {
    #[test]
    fn every_field_comes_back(events in events(60), in_a_group in 1..70_usize) {
        let (file, summary) = write(&events, small_groups(in_a_group));
        prop_assert_eq!(summary.events, events.len() as u64);
        prop_assert_eq!(summary.row_groups.len(), events.len().div_ceil(in_a_group));
        let mut reader = open(file);
        prop_assert_eq!(reader.summary(), &summary);
        reader.verify().unwrap();
        let found: Vec<_> = reader.events().collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(found, events);
    }
}

#[test]
fn the_limits_of_every_number_come_back() {
    let mut event = usual(1).remove(0);
    for (position, version, time, schema_version) in
        [(1, 0, i64::MIN, 0), (u64::MAX, u64::MAX, i64::MAX, u32::MAX), (1 << 63, 1 << 63, -1, 1 << 31)]
    {
        event.position = GlobalPosition::new(position);
        event.version = Version::new(version);
        event.recorded_at = Timestamp::from_micros(time);
        event.schema_version = schema_version;
        let (file, _) = write(std::slice::from_ref(&event), ParquetOptions::default());
        assert_eq!(read(file), [event.clone()]);
    }
}

#[test]
fn the_largest_payload_comes_back() {
    let mut event = usual(1).remove(0);
    for (encoding, byte) in [(Encoding::BINARY, 0), (Encoding::JSON, b'7'), (Encoding::JSON, 0xff)] {
        event.encoding = encoding;
        event.payload = vec![byte; 8 << 20].into();
        let (file, _) = write(std::slice::from_ref(&event), ParquetOptions::default());
        assert!(file.len() < 64 << 10, "{}", file.len());
        assert_eq!(read(file), [event.clone()]);
    }
}

#[test]
fn a_file_without_events_is_one() {
    let (file, summary) = write(&[], ParquetOptions::default());
    assert_eq!((summary.first_position(), summary.last_position()), (None, None));
    let mut reader = open(file);
    reader.verify().unwrap();
    assert!(reader.events().next().is_none());
}

#[test]
fn a_group_is_full_by_events_or_by_bytes() {
    let all = usual(1_000);
    let bytes = ParquetOptions { row_group_bytes: 4 << 10, ..ParquetOptions::default() };
    let (file, summary) = write(&all, bytes);
    assert!(summary.row_groups.len() > 5);
    assert_eq!(read(file), all);
    // Out of range, they are taken as the nearest that makes sense.
    let none = ParquetOptions { row_group_events: 0, row_group_bytes: 0, compression_level: -5 };
    let (file, summary) = write(&all[..10], none);
    assert_eq!(summary.row_groups.len(), 10);
    assert_eq!(read(file), all[..10]);
}

/// Else a row group of events without payloads could take a gigabyte of memory.
#[test]
fn metadata_and_tags_fill_a_group_too() {
    let mut all = usual(100);
    for event in &mut all {
        event.payload = Default::default();
        event.tags = Default::default();
        event.metadata = Metadata::from_stored([("by", "x".repeat(1_000).as_str())]).unwrap();
    }
    let bytes = ParquetOptions { row_group_bytes: 10 << 10, ..ParquetOptions::default() };
    let (file, summary) = write(&all, bytes);
    assert_eq!(
        summary.row_groups.iter().map(|group| group.events).collect::<Vec<_>>(),
        [11; 9].into_iter().chain([1]).collect::<Vec<_>>()
    );
    assert_eq!(read(file), all);
    for event in &mut all {
        event.metadata = Metadata::new();
        event.tags = Tags::parse((0..10).map(|number| format!("by:{number}{}", "y".repeat(100)))).unwrap();
    }
    let (file, summary) = write(&all, bytes);
    assert_eq!(summary.row_groups.len(), 10);
    assert_eq!(read(file), all);
}

#[test]
fn events_that_are_given_as_a_group_are_one() {
    let all = usual(100);
    let mut writer = ParquetWriter::new(Vec::new(), small_groups(40)).unwrap();
    writer.write(all[0].clone()).unwrap();
    writer.write_row_group(&all[1..5]).unwrap();
    writer.write_row_group(&[]).unwrap();
    // More than there may be in one.
    writer.write_row_group(&all[5..90]).unwrap();
    let error = writer.write_row_group(&all[89..]).unwrap_err();
    assert!(matches!(error, ParquetError::OutOfOrder { .. }), "{error:?}");
    writer.write_row_group(&all[90..]).unwrap();
    let (file, summary) = writer.finish().unwrap();
    assert_eq!(
        summary.row_groups.iter().map(|group| group.events).collect::<Vec<_>>(),
        [1, 4, 40, 40, 5, 10]
    );
    assert_eq!(read(file), all);
}

#[test]
fn positions_rise_or_nothing_is_written() {
    let all = usual(3);
    let mut writer = ParquetWriter::new(Vec::new(), ParquetOptions::default()).unwrap();
    writer.write(all[1].clone()).unwrap();
    for event in &all[..2] {
        let error = writer.write(event.clone()).unwrap_err();
        assert!(matches!(error, ParquetError::OutOfOrder { .. }), "{error:?}");
    }
    writer.write(all[2].clone()).unwrap();
    assert_eq!(read(writer.finish().unwrap().0), all[1..]);
}

#[test]
fn groups_that_cannot_match_are_not_read() {
    let all = usual(1_000);
    let (mut file, summary) = write(&all, small_groups(100));
    let from = GlobalPosition::new(500);
    let (wanted, others): (Vec<_>, Vec<_>) = summary
        .row_groups
        .iter()
        .partition(|group| group.may_hold_position(from, GlobalPosition::new(u64::MAX)));
    assert_eq!((wanted.len(), others.len()), (5, 5));
    // What is damaged there does not matter.
    let others = others.len();
    for page in pages(&file.clone(), &summary).into_iter().filter(|page| page.group < others) {
        file[page.bytes.start] ^= 1;
    }
    let mut reader = open(file);
    let found = reader.events_of(|group| group.may_hold_position(from, GlobalPosition::new(u64::MAX)));
    assert_eq!(found.collect::<Result<Vec<_>, _>>().unwrap(), all[500..]);
    assert!(reader.events().any(|event| event.is_err()));
}

proptest! {
    /// A row group that holds an event is never passed over.
    #[test]
    fn a_group_may_hold_what_it_holds(events in events(30), prefix_length in 0..5_usize) {
        let (_, summary) = write(&events, small_groups(7));
        for (group, held) in summary.row_groups.iter().zip(events.chunks(7)) {
            for event in held {
                let (position, time) = (event.position.get(), event.recorded_at);
                prop_assert!(group.may_hold_position(GlobalPosition::new(position - 1), GlobalPosition::new(position + 1)));
                let prefix: String = event.stream.as_str().chars().take(prefix_length).collect();
                prop_assert!(group.may_hold_stream(&prefix) && group.may_hold_stream(event.stream.as_str()));
                prop_assert!(group.may_hold_time(time, time));
            }
            let (first, last) = (held.first().unwrap().position, held.last().unwrap().position);
            prop_assert!(!group.may_hold_position(last, GlobalPosition::new(u64::MAX)));
            prop_assert!(!group.may_hold_position(GlobalPosition::START, first));
        }
    }
}
