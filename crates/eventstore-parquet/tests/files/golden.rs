//! A file of format 1 that stays as it is: every later version reads it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what went wrong by failing")]

use crate::support::{open, small_groups, usual, write};
use eventstore_api::{Encoding, Metadata, RecordedEvent};

/// What the file holds: usual events, and some of every other kind.
fn events() -> Vec<RecordedEvent> {
    let mut events = usual(60);
    events[3].encoding = Encoding::BINARY;
    events[4].payload = vec![0xff, 0x00].into();
    events[5].metadata = Metadata::from_stored([("correlation_id", "42"), ("über", "\"quoted\"")]).unwrap();
    events[6].stream = "поезд-東京".parse().unwrap();
    events[7].version = eventstore_api::Version::new(u64::MAX);
    events
}

#[test]
fn a_file_of_format_1_is_read_as_it_was_written() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/v1.parquet");
    // By hand, when a new format begins.
    if std::env::var_os("EVENTSTORE_WRITE_GOLDEN").is_some() {
        std::fs::write(path, write(&events(), small_groups(25)).0).unwrap();
    }
    let mut reader = open(std::fs::read(path).unwrap());
    reader.verify().unwrap();
    assert_eq!(reader.summary().row_groups.len(), 3);
    assert_eq!(reader.events().collect::<Result<Vec<_>, _>>().unwrap(), events());
}
