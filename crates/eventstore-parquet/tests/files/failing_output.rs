//! An output that fails in the middle.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what went wrong by failing")]

use std::io::{self, Write};

use eventstore_api::RecordedEvent;
use eventstore_parquet::{ParquetError, ParquetOptions, ParquetWriter};

use crate::support::usual;

/// Takes so many bytes, and has no room for more.
struct Full {
    room: usize,
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.room);
        self.room -= taken;
        if taken == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(taken) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn is_full<T>(answer: Result<T, ParquetError>) -> bool {
    matches!(answer, Err(ParquetError::Io(error)) if error.kind() == io::ErrorKind::StorageFull)
}

fn written(room: usize, events: &[RecordedEvent]) -> Result<ParquetWriter<Full>, ParquetError> {
    let mut writer = ParquetWriter::new(Full { room }, ParquetOptions::default())?;
    writer.write_row_group(events)?;
    Ok(writer)
}

#[test]
fn an_output_that_fails_is_told_with_its_own_error() {
    let events = usual(2_000);
    assert!(is_full(written(100, &events)));
    let row_group = {
        let mut writer = ParquetWriter::new(Vec::new(), ParquetOptions::default()).unwrap();
        writer.write_row_group(&events).unwrap();
        let (whole, _) = writer.finish().unwrap();
        // The end of a file says how long it is.
        let length = whole[whole.len() - 8..whole.len() - 4].try_into().unwrap();
        whole.len() - 8 - u32::from_le_bytes(length) as usize
    };
    let ends = written(row_group + 1, &events).unwrap();
    assert!(is_full(ends.finish()));
}

#[test]
fn what_the_output_lacks_a_part_of_is_not_finished() {
    let events = usual(2_000);
    let mut writer = ParquetWriter::new(Full { room: 100 }, ParquetOptions::default()).unwrap();
    assert!(is_full(writer.write_row_group(&events)));
    let refused = writer.finish().map(drop);
    assert!(
        matches!(&refused, Err(ParquetError::NotWritten { detail }) if detail.contains("before")),
        "{refused:?}"
    );
}
