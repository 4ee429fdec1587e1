//! A file that is not what was written is an error, and never other events.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::panic,
    reason = "a test says what went wrong by failing"
)]

use std::io::Cursor;

use crate::support::{pages, small_groups, usual, write};
use eventstore_api::{RecordedEvent, StoreError};
use eventstore_parquet::{Names, ParquetError, ParquetReader};

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
    assert!(error.to_string().contains("the checksum of its summary and pages"), "{error}");
}

/// What is damaged does not keep what is not from being read.
#[test]
fn a_damaged_page_keeps_no_other_rows_from_being_read() {
    let events = usual(2_000);
    let (file, summary) = write(&events, small_groups(1_300));
    for page in pages(&file, &summary) {
        let mut changed = file.clone();
        changed[page.bytes.start + page.bytes.len() / 2] ^= 0x10;
        let mut reader = ParquetReader::open(Cursor::new(changed)).unwrap();
        let error = reader.read_rows(page.rows.start..page.rows.start + 1).unwrap_err();
        assert!(matches!(error, ParquetError::Damaged { .. }), "{error:?}");
        assert!(error.to_string().contains("its checksum is wrong"), "{error}");
        for row in [0, 511, 512, 1_023, 1_024, 1_299, 1_300, 1_999_u64] {
            if !page.rows.contains(&row) {
                let rows = reader.read_rows(row..row + 1).unwrap();
                assert_eq!(rows.event(row, &mut Names::new()).unwrap(), events[row as usize]);
            }
        }
    }
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
    let pages = pages(&file, &summary);
    let mut harmless = 0;
    for at in 0..file.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut changed = file.clone();
            changed[at] ^= change;
            let noticed = is_noticed(changed, &events);
            let is_event = pages.iter().any(|page| page.bytes.contains(&at));
            assert!(noticed || !is_event, "byte {at} of the events");
            harmless += u32::from(!noticed);
        }
    }
    // Statistics, names of programs and what Parquet says a second time are for others.
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

/// The decoder goes as deep as the columns are nested, and a stack has an end.
#[test]
fn columns_that_are_nested_without_end_are_foreign() {
    use parquet_format_safe::{FileMetaData, SchemaElement, thrift::protocol::TCompactOutputProtocol};

    let element = |children| {
        SchemaElement::new(None, None, None, "a".to_owned(), children, None, None, None, None, None)
    };
    let schema = std::iter::repeat_n(Some(1), 20_000).chain([None]).map(element).collect();
    let metadata = FileMetaData {
        version: 2,
        schema,
        num_rows: 0,
        row_groups: Vec::new(),
        key_value_metadata: None,
        created_by: None,
        column_orders: None,
        encryption_algorithm: None,
        footer_signing_key_metadata: None,
    };
    let mut footer = Vec::new();
    metadata.write_to_out_protocol(&mut TCompactOutputProtocol::new(&mut footer)).unwrap();
    let length = (footer.len() as u32).to_le_bytes();
    let file = [b"PAR1".as_slice(), &footer, &length, b"PAR1"].concat();
    assert!(matches!(read(file), Err(ParquetError::Foreign { .. })));
}
