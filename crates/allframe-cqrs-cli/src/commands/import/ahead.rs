//! Reads and parses while the store writes.

use std::{
    io::{BufReader, Read},
    thread::{self, JoinHandle},
};

use tokio::sync::mpsc;

#[cfg(feature = "parquet")]
use super::rows;
use super::{
    batch::{self, Batch},
    lines::Lines,
    source::{Content, Source},
};
use crate::{failure::Failure, store::Measure};

/// How many batches are parsed ahead of the one that is appended.
const BATCHES_AHEAD: usize = 2;
const READ_BUFFER_BYTES: usize = 256 << 10;

pub(super) type Batches = mpsc::Receiver<Result<Batch, Failure>>;

/// Reads and parses on a thread of its own.
pub(super) fn parse_ahead(source: Source, measure: Measure) -> Result<(Batches, JoinHandle<()>), Failure> {
    let (sender, batches) = mpsc::channel(BATCHES_AHEAD);
    let Source { name, content, .. } = source;
    let parse = move || match content {
        Content::Lines(reader) => parse_lines(reader, name, measure, &sender),
        #[cfg(feature = "parquet")]
        Content::Rows(file) => {
            rows::parse(file, &name, measure, |batch| sender.blocking_send(batch).is_ok());
        }
    };
    let parsing = thread::Builder::new().name("import-lines".to_owned()).spawn(parse);
    let parsing = parsing.map_err(|source| Failure::System { what: "cannot start a thread", source })?;
    Ok((batches, parsing))
}

fn parse_lines(
    reader: Box<dyn Read + Send>,
    name: String,
    measure: Measure,
    sender: &mpsc::Sender<Result<Batch, Failure>>,
) {
    let mut lines = Lines::new(BufReader::with_capacity(READ_BUFFER_BYTES, reader), name);
    loop {
        let (batch, end) = batch::next(&mut lines, measure);
        // Nobody takes them any more where the import has failed.
        let is_taken = batch.lines.is_empty() || sender.blocking_send(Ok(batch)).is_ok();
        match end {
            Ok(batch::More::Yes) if is_taken => {}
            Ok(_) => return,
            Err(failure) => {
                let _ = sender.blocking_send(Err(failure));
                return;
            }
        }
    }
}
