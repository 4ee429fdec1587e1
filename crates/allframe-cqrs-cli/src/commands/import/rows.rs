use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
};

use eventstore_api::{NewEvent, RecordedEvent};
use eventstore_parquet::{ParquetError, ParquetReader};

use super::batch::{Batch, Line};
use crate::{failure::Failure, store::Measure};

/// Whether a file begins as Parquet does. It is read from its beginning afterwards.
pub(super) fn is_parquet(file: &mut File) -> io::Result<bool> {
    let mut beginning = Vec::new();
    file.by_ref().take(4).read_to_end(&mut beginning)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(beginning == b"PAR1")
}

/// Gives out the events of a Parquet file, in batches, as long as somebody takes them.
pub(super) fn parse(
    file: File,
    name: &str,
    measure: Measure,
    mut take: impl FnMut(Result<Batch, Failure>) -> bool,
) {
    if let Err(error) = give_out(file, measure, &mut |batch| take(Ok(batch))) {
        take(Err(Failure::BadFile { name: name.to_owned(), source: error }));
    }
}

fn give_out(file: File, measure: Measure, take: &mut impl FnMut(Batch) -> bool) -> Result<(), ParquetError> {
    let bytes = file.metadata()?.len();
    let mut reader = ParquetReader::open(BufReader::new(file))?;
    let all = reader.summary().events;
    let mut number = 0;
    for group in 0..reader.summary().row_groups.len() {
        let events = reader.read_row_group(group)?;
        // About: events take unlike many bytes each.
        let share = u128::from(bytes) * u128::from(number + events.len() as u64) / u128::from(all.max(1));
        let bytes_read = u64::try_from(share).unwrap_or(bytes);
        let mut lines = events.into_iter().map(|event| {
            number += 1;
            Line { number, stream: event.stream.clone(), event: new_event(event) }
        });
        loop {
            let lines = some_of(&mut lines, measure);
            if lines.is_empty() {
                break;
            }
            if !take(Batch { lines, bytes_read }) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// As many of them as make a batch; none where there are none any more.
fn some_of(lines: &mut impl Iterator<Item = Line>, measure: Measure) -> Vec<Line> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while batch.len() < measure.events && bytes < measure.bytes {
        let Some(line) = lines.next() else { break };
        bytes += line.event.payload.len() as u64;
        batch.push(line);
    }
    batch
}

/// The same event, to be placed anew.
fn new_event(event: RecordedEvent) -> NewEvent {
    NewEvent::identified(event.id, event.event_type, event.payload)
        .with_schema_version(event.schema_version)
        .with_encoding(event.encoding)
        .with_metadata(event.metadata)
        .with_tags(event.tags)
}
