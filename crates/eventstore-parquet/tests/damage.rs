//! A file that is not what was written is an error, and never other events.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what went wrong by failing"
)]

mod support;

use std::io::Cursor;

use eventstore_api::{RecordedEvent, StoreError};
use eventstore_parquet::{ParquetError, ParquetReader};
use support::{small_groups, usual, write};

fn read(file: Vec<u8>) -> Result<Vec<RecordedEvent>, ParquetError> {
    let mut reader = ParquetReader::open(Cursor::new(file))?;
    let events = reader.events().collect::<Result<Vec<_>, _>>()?;
    reader.verify()?;
    Ok(events)
}

/// What the end of a file says of its row groups decides which of them are read.
#[test]
fn a_summary_that_was_changed_is_noticed() {
    let (file, _) = write(&usual(40), small_groups(20));
    let name = b"\"first_stream\":\"account-0";
    let at = file.windows(name.len()).position(|bytes| bytes == name).unwrap() + name.len();
    let mut changed = file;
    changed[at] = b'9';
    let error = ParquetReader::open(Cursor::new(changed)).unwrap_err();
    assert!(error.to_string().contains("the checksum of its summary"), "{error}");
}

/// What is read of a file that was changed: an error, or what was written. Says whether it was an error.
fn is_noticed(file: Vec<u8>, events: &[RecordedEvent]) -> bool {
    match read(file) {
        Ok(found) => {
            assert!(found == events, "other events are read");
            false
        }
        Err(ParquetError::Foreign { .. } | ParquetError::Damaged { .. } | ParquetError::TooNew { .. }) => {
            true
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn every_byte_that_changes_is_noticed_or_harmless() {
    let events = usual(40);
    let (file, summary) = write(&events, small_groups(20));
    let end_of_events = summary.row_groups.last().map(|group| group.offset + group.length).unwrap();
    let mut harmless = 0;
    for at in 0..file.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut changed = file.clone();
            changed[at] ^= change;
            let noticed = is_noticed(changed, &events);
            assert!(noticed || at as u64 >= end_of_events, "byte {at} of the events");
            harmless += u32::from(!noticed);
        }
    }
    // Statistics and names of programs are for others.
    assert!(harmless > 0);
}

#[test]
fn every_file_that_is_cut_off_is_noticed() {
    let events = usual(40);
    let (file, _) = write(&events, small_groups(20));
    for length in 0..file.len() {
        assert!(is_noticed(file[..length].to_vec(), &events), "{length} bytes");
    }
}

#[test]
fn what_is_no_file_of_events_says_so_with_its_name() {
    for bytes in [&b""[..], b"PAR1", b"{\"json\":true}\n", &[0; 4_096]] {
        let error = ParquetReader::open(Cursor::new(bytes)).unwrap_err();
        assert!(matches!(error, ParquetError::Foreign { .. }), "{error:?}");
        assert!(
            matches!(error.of("00001.parquet"), StoreError::Corrupted { place, .. } if place == "00001.parquet")
        );
    }
}
