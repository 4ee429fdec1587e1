use std::{io::Write, path::Path};

use allframe_cqrs::Repository;
use anyhow::{Context, Result};
use indicatif::ProgressBar;

use super::{
    csv_rows, progress,
    rows_in_flight::{Answer, Flights, Rejected, Row, RowsInFlight},
    store::FlightStore,
};

/// Brings rows into a store, each as one append to the stream of its flight.
pub(crate) struct Import<'e> {
    flights: Flights,
    rejections: Rejections<'e>,
}

impl<'e> Import<'e> {
    /// Reports rejected rows on `errors`.
    pub(crate) fn into(store: FlightStore, errors: &'e mut dyn Write) -> Self {
        Self { flights: Repository::new(store), rejections: Rejections { count: 0, errors } }
    }

    pub(crate) fn rejected_rows(&self) -> u64 {
        self.rejections.count
    }

    /// Brings all rows of a file in, and reports those that it rejects in their order.
    pub(crate) async fn file(&mut self, path: &Path) -> Result<()> {
        let Self { flights, rejections } = self;
        let mut lines = csv_rows::read(path)?;
        let progress = progress::of_file(path)?;
        let mut rows = RowsInFlight::into(flights);
        let end = loop {
            let row = match lines.next() {
                None => break Ok(()),
                Some(Err(error)) => break Err(error),
                Some(Ok(line)) => Row::from(line),
            };
            while !rows.has_room_for(&row) {
                let Some(answer) = rows.answer().await else { break };
                rejections.note(answer, path, &progress)?;
            }
            rows.start(row);
            progress.set_position(lines.bytes_read());
        };
        while let Some(answer) = rows.answer().await {
            rejections.note(answer, path, &progress)?;
        }
        progress.finish_and_clear();
        end.with_context(|| format!("cannot read {}", path.display()))
    }
}

struct Rejections<'e> {
    count: u64,
    errors: &'e mut dyn Write,
}

impl Rejections<'_> {
    fn note(&mut self, answer: Answer, path: &Path, progress: &ProgressBar) -> Result<()> {
        if let Err(Rejected(reason)) = answer.outcome? {
            self.count += 1;
            let (path, number) = (path.display(), answer.number);
            progress.suspend(|| writeln!(self.errors, "{path}:{number}: row rejected: {reason:#}"))?;
        }
        Ok(())
    }
}
