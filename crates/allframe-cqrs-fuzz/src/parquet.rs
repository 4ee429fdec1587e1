//! Parquet files: any bytes in place of one, and any events in one.

use std::io::Cursor;

use eventstore_api::RecordedEvent;
use eventstore_parquet::{Names, ParquetOptions, ParquetReader, ParquetWriter};

use crate::{
    input::Input,
    seeds::{recorded, recorded_by},
    target::{Finding, Outcome, ensure, must},
};

/// The input: an option byte (bit 0: what follows are changes to a valid file, each 2 bytes of a place, how many bytes go, and
/// what takes their place), then a file, or changes.
pub(crate) fn read_file(data: &[u8]) -> Result<Outcome, Finding> {
    let mut input = Input::new(data);
    let valid = file(&recorded(40));
    let bytes = match input.byte() & 1 {
        0 => input.rest().to_vec(),
        _ => changed(valid.clone(), &mut input),
    };
    let Ok(mut reader) = ParquetReader::open(Cursor::new(bytes.clone())) else { return Ok(Outcome::Refused) };
    let sound = reader.verify().is_ok();
    let all: Result<Vec<RecordedEvent>, _> = reader.events().collect();
    let groups = reader.summary().row_groups.len().min(8);
    for number in 0..=groups {
        // Refused or read: only what verifies is held against anything.
        let _ = reader.read_row_group(number);
    }
    let rows = reader.summary().events;
    for range in [0..1, 3..9, rows.saturating_sub(1)..rows, 0..u64::MAX, u64::MAX - 1..u64::MAX] {
        if let Ok(rows) = reader.read_rows(range) {
            for row in rows.range().take(100) {
                let _ = (rows.stream(row), rows.version(row), rows.event(row, &mut Names::new()));
            }
        }
    }
    if !sound {
        return Ok(Outcome::Refused);
    }
    let events = must("reading a file that verifies", all)?;
    let again = file(&events);
    let mut second = must("what was written of it", ParquetReader::open(Cursor::new(again)))?;
    let read: Vec<RecordedEvent> = must("reading that", second.events().collect::<Result<_, _>>())?;
    ensure(read == events, || "what was written of it is read as something else".to_owned())?;
    Ok(Outcome::Read)
}

fn changed(mut bytes: Vec<u8>, input: &mut Input<'_>) -> Vec<u8> {
    while !input.is_empty() {
        let at = input.short() % (bytes.len() + 1);
        // The footer is at the end: half of the changes are there.
        let at = if at.is_multiple_of(2) { bytes.len().saturating_sub(at % 2048) } else { at };
        let gone = usize::from(input.byte() % 16).min(bytes.len().saturating_sub(at));
        let added = usize::from(input.byte() % 16);
        bytes.splice(at..at + gone, input.bytes(added).iter().copied());
    }
    bytes
}

/// The input: options (2 bytes), then for each event what it is.
pub(crate) fn write_events(data: &[u8]) -> Result<Outcome, Finding> {
    let mut input = Input::new(data);
    let options =
        ParquetOptions { row_group_events: usize::from(input.byte()) + 1, ..ParquetOptions::default() };
    let events = recorded_by(&mut input);
    if events.is_empty() {
        return Ok(Outcome::Refused);
    }
    let written = must("writing", write(&events, options))?;
    let mut reader = must("opening what was written", ParquetReader::open(Cursor::new(written)))?;
    must("verifying what was written", reader.verify())?;
    let read: Vec<RecordedEvent> = must("reading", reader.events().collect::<Result<_, _>>())?;
    ensure(read == events, || format!("{events:?} are read as {read:?}"))?;
    for (number, event) in (0..).zip(&events) {
        let rows = must("finding a row", reader.read_rows(number..number + 1))?;
        let row = must("reading a row", rows.event(number, &mut Names::new()))?;
        ensure(row == *event, || format!("row {number} is {row:?} and not {event:?}"))?;
    }
    Ok(Outcome::Read)
}

fn write(
    events: &[RecordedEvent],
    options: ParquetOptions,
) -> Result<Vec<u8>, eventstore_parquet::ParquetError> {
    let mut writer = ParquetWriter::new(Vec::new(), options)?;
    for event in events {
        writer.write(event.clone())?;
    }
    Ok(writer.finish()?.0)
}

fn file(events: &[RecordedEvent]) -> Vec<u8> {
    write(events, ParquetOptions { row_group_events: 16, ..ParquetOptions::default() }).unwrap_or_default()
}

pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let small = [&[0], file(&recorded(3)).as_slice()].concat();
    vec![
        ("unchanged", vec![1]),
        ("a-byte", vec![1, 200, 3, 1, 1, 9]),
        ("its-length", vec![1, 8, 0, 4, 4, 255, 255, 255, 255]),
        ("footer", vec![1, 100, 1, 2, 3, 1, 2, 3, 60, 2, 1, 1, 7]),
        ("small", small),
    ]
}
