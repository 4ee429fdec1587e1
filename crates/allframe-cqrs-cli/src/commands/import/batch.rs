use std::io::Read;

use eventstore_api::{NewEvent, StreamId};

use super::lines::Lines;
use crate::{failure::Failure, jsonl, store::Measure};

/// Consecutive lines, which become durable together.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) lines: Vec<Line>,
    /// How far into the file they go.
    pub(super) bytes_read: u64,
}

/// An event, and on which line it stands.
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) stream: StreamId,
    pub(super) event: NewEvent,
}

/// Whether there are more lines behind a batch.
pub(super) enum More {
    Yes,
    No,
}

/// The next batch, and what comes behind it.
pub(super) fn next<R: Read>(lines: &mut Lines<R>, measure: Measure) -> (Batch, Result<More, Failure>) {
    let mut batch = Batch::default();
    let end = fill(&mut batch, lines, measure);
    (batch, end)
}

fn fill<R: Read>(batch: &mut Batch, lines: &mut Lines<R>, measure: Measure) -> Result<More, Failure> {
    let begin = lines.bytes_read();
    while lines.advance()? {
        let (stream, event) = jsonl::event_of(lines.line()).map_err(|error| lines.bad_line(error))?;
        batch.lines.push(Line { number: lines.number(), stream, event });
        batch.bytes_read = lines.bytes_read();
        let bytes = batch.bytes_read - begin;
        // What has come is durable soon, also where more comes slowly.
        if batch.lines.len() >= measure.events || bytes >= measure.bytes || lines.may_have_to_wait() {
            return Ok(More::Yes);
        }
    }
    Ok(More::No)
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn batches(file: &str, buffer: usize) -> Vec<usize> {
        let mut lines = Lines::new(BufReader::with_capacity(buffer, file.as_bytes()), "file".to_owned());
        let mut lengths = Vec::new();
        loop {
            let (batch, end) = next(&mut lines, Measure { events: 1_000, bytes: 1 << 20 });
            lengths.push(batch.lines.len());
            if matches!(end.unwrap(), More::No) {
                return lengths;
            }
        }
    }

    fn line(bytes: usize) -> String {
        let line = r#"{"stream":"s","type":"T","data":""}"#;
        line.replace("\"\"", &format!("\"{}\"", "x".repeat(bytes - line.len() - 1))) + "\n"
    }

    #[test]
    fn a_batch_is_bounded_by_events_and_by_bytes() {
        assert_eq!(batches(&line(100).repeat(2_500), 1 << 20), [1_000, 1_000, 500, 0]);
        assert_eq!(batches(&line(1 << 19).repeat(5), 4 << 20), [2, 2, 1, 0]);
        assert_eq!(batches(&line(3 << 20).repeat(2), 16 << 20), [1, 1, 0]);
        assert_eq!(batches("", 1_024), [0]);
    }

    #[test]
    fn nobody_waits_for_a_batch_to_fill_up() {
        assert_eq!(batches(&line(100).repeat(6), 200), [2, 2, 2, 0]);
    }
}
