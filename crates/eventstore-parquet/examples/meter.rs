//! A meter of electricity has been read each minute of a week. The week becomes one Parquet file, of which only the hours that are asked for
//! are read back.
//!
//! ```sh
//! cargo run -p eventstore-parquet --example meter                       # in a directory that is removed
//! cargo run -p eventstore-parquet --example meter -- ./week.parquet     # in this file
//! ```
//!
//! Any tool reads a file that stays: `duckdb -c "SELECT recorded_at, data->>'watts' FROM './week.parquet' LIMIT 5"`. Which columns there are, says
//! docs/parquet-format.md.

#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use std::{
    error::Error,
    fs::File,
    path::{Path, PathBuf},
};

use eventstore_api::{
    Encoding, EventType, GlobalPosition, NewEvent, Placement, RecordedEvent, StreamId, Timestamp, Version,
};
use eventstore_parquet::{ParquetOptions, ParquetReader, ParquetWriter, Summary};

const MINUTES: u64 = 7 * 24 * 60;
/// Monday, 2 January 2023, 0:00.
const MONDAY: i64 = 1_672_617_600;

fn main() -> Result<(), Box<dyn Error>> {
    let throw_away = tempfile::tempdir()?;
    let path =
        std::env::args_os().nth(1).map_or_else(|| throw_away.path().join("week.parquet"), PathBuf::from);
    let summary = write(&path)?;
    // Each page is held against its checksum when it is read; this holds all events against theirs.
    ParquetReader::open(File::open(&path)?)?.verify()?;
    println!("{} readings in {} row groups", summary.events, summary.row_groups.len());

    let Found { readings, row_groups } = between(&path, at(60 * 24), at(60 * 24 + 59))?;
    println!(
        "{} of them in the first hour of Tuesday; row groups that were read for it: {row_groups}",
        readings.len()
    );
    for reading in readings.iter().take(3) {
        println!("{}", String::from_utf8_lossy(&reading.payload));
    }
    Ok(())
}

fn at(minute: u64) -> Timestamp {
    Timestamp::from_micros((MONDAY + minute.cast_signed() * 60) * 1_000_000)
}

fn reading(minute: u64) -> Result<RecordedEvent, Box<dyn Error>> {
    let watts = 300 + minute * 37 % 900;
    let event = NewEvent::new(EventType::new("MeterRead")?, format!(r#"{{"watts":{watts}}}"#));
    Ok(event.with_encoding(Encoding::JSON).record(Placement {
        stream: StreamId::new("meter-7")?,
        version: Version::new(minute + 1),
        position: GlobalPosition::new(minute + 1),
        recorded_at: at(minute),
    }))
}

/// A row group is what is read at once: two hours here.
fn write(path: &Path) -> Result<Summary, Box<dyn Error>> {
    let options = ParquetOptions { row_group_events: 120, ..ParquetOptions::default() };
    let mut writer = ParquetWriter::new(File::create(path)?, options)?;
    for minute in 0..MINUTES {
        writer.write(reading(minute)?)?;
    }
    let (file, summary) = writer.finish()?;
    file.sync_all()?;
    Ok(summary)
}

struct Found {
    readings: Vec<RecordedEvent>,
    /// How many row groups were read for that.
    row_groups: usize,
}

/// What was read of the meter in this time, both ends included.
fn between(path: &Path, from: Timestamp, to: Timestamp) -> Result<Found, Box<dyn Error>> {
    let mut reader = ParquetReader::open(File::open(path)?)?;
    let mut row_groups = 0;
    let mut readings = Vec::new();
    let found = reader.events_of(|group| {
        let may_hold = group.may_hold_time(from, to);
        row_groups += usize::from(may_hold);
        may_hold
    });
    for event in found {
        let event = event?;
        if (from..=to).contains(&event.recorded_at) {
            readings.push(event);
        }
    }
    Ok(Found { readings, row_groups })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_found_in_one_row_group_of_the_week() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("week.parquet");
        let summary = write(&path).unwrap();
        assert_eq!((summary.events, summary.row_groups.len()), (MINUTES, 84));
        let Found { readings, row_groups } = between(&path, at(60 * 24), at(60 * 24 + 59)).unwrap();
        assert_eq!((readings.len(), row_groups), (60, 1));
        for (minute, found) in (60 * 24..).zip(readings) {
            let mut expected = reading(minute).unwrap();
            expected.id = found.id;
            assert_eq!(found, expected);
        }
        assert!(between(&path, at(MINUTES), at(MINUTES + 60)).unwrap().readings.is_empty());
    }

    #[test]
    fn one_bit_that_is_another_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("week.parquet");
        write(&path).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert!(ParquetReader::open(File::open(&path).unwrap()).unwrap().verify().is_err());
    }
}
