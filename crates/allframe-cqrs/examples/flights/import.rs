use std::{io::Write, path::Path, sync::Arc};

use allframe_cqrs::{EventStoreBackend, ExecuteError, Repository};
use anyhow::{Context, Result};

use crate::{
    csv_rows::{self, Line},
    flight::Flight,
    progress,
    store::FlightStore,
};

/// Brings rows into a store, each as one append to the stream of its flight.
pub(crate) struct Import<'e> {
    flights: Repository<Flight, Arc<dyn EventStoreBackend>>,
    rejected_rows: u64,
    /// Where rejected rows are reported.
    errors: &'e mut dyn Write,
}

/// Why a row was not taken: the import goes on with the next.
struct Rejected(anyhow::Error);

impl<'e> Import<'e> {
    pub(crate) fn into(store: FlightStore, errors: &'e mut dyn Write) -> Self {
        Self { flights: Repository::new(store), rejected_rows: 0, errors }
    }

    pub(crate) fn rejected_rows(&self) -> u64 {
        self.rejected_rows
    }

    /// Brings all rows of a file in, one at a time, and reports those that it rejects.
    pub(crate) async fn file(&mut self, path: &Path) -> Result<()> {
        let mut lines = csv_rows::read(path)?;
        let progress = progress::of_file(path)?;
        while let Some(line) = lines.next() {
            let line = line.with_context(|| format!("cannot read {}", path.display()))?;
            let number = line.number;
            if let Err(Rejected(reason)) = self.line(line).await? {
                self.rejected_rows += 1;
                progress.suspend(|| {
                    writeln!(self.errors, "{}:{number}: row rejected: {reason:#}", path.display())
                })?;
            }
            progress.set_position(lines.bytes_read());
        }
        progress.finish_and_clear();
        Ok(())
    }

    /// Fails if the store does; a row that makes no sense is `Rejected`.
    async fn line(&self, line: Line) -> Result<Result<(), Rejected>> {
        let parsed = line.row.and_then(|row| Ok((row.stream()?, row.commands()?)));
        let (stream, commands) = match parsed {
            Ok(parsed) => parsed,
            Err(error) => return Ok(Err(Rejected(error))),
        };
        match self.flights.execute(&stream, |flight| flight.record(&commands)).await {
            Ok(_) => Ok(Ok(())),
            Err(ExecuteError::Rejected(reason)) => Ok(Err(Rejected(reason.into()))),
            Err(ExecuteError::Failed(error)) => Err(error).context("the store failed"),
        }
    }
}
