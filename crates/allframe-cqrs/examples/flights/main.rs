//! Every flight that left New York, as events.
//!
//! Reads a CSV of flights, turns each row into commands on a `Flight` aggregate, stores the events that the flight decides
//! on, and answers from projections built of them:
//!
//! ```text
//! cargo run --release --example flights                       # the first week of January 2013, in the repository
//! cargo run --release --example flights -- FILE.csv --json    # any CSV of the same columns
//! cargo run --release --example flights -- --store postgresql://localhost/app#flights
//! ```
//!
//! The events are kept in `./data/flights`, where no other store is named. It may be killed at any moment: the next run finds the rows that are there
//! already, and goes on with the others.

mod airport_board;
mod arguments;
mod capped_lines;
mod csv_rows;
#[cfg(test)]
mod durable_tests;
mod fields;
mod flight;
mod import;
#[cfg(test)]
mod postgres_tests;
mod progress;
mod punctuality;
mod read_models;
mod report;
mod row;
mod rows_in_flight;
#[cfg(test)]
#[path = "../../tests/support/schema.rs"]
mod schema;
mod store;
#[cfg(test)]
mod tests;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use allframe_cqrs::{EventStoreBackend, GlobalPosition};
use anyhow::{Context, Result};
use arguments::Arguments;
use clap::Parser;
use import::Import;
use read_models::ReadModels;
use report::Report;
use store::FlightStore;

#[tokio::main]
async fn main() -> ExitCode {
    let Err(error) = run(Arguments::parse(), &mut io::stdout(), &mut io::stderr()).await else {
        return ExitCode::SUCCESS;
    };
    // A `Result` from `main` would print a backtrace too where `RUST_BACKTRACE` is set. If standard error is closed, the
    // exit code is all that can be told.
    let _ = writeln!(io::stderr(), "error: {error:#}");
    ExitCode::FAILURE
}

async fn run(arguments: Arguments, output: &mut dyn Write, errors: &mut dyn Write) -> Result<()> {
    let store = store::open(&arguments.store).await?;
    let report = import_and_project(&store, &arguments, errors).await;
    // After an error too: then the next run has nothing to recover.
    let closed = store.backend().close().await.context("the store could not be closed");
    let report = report?;
    closed?;

    if arguments.json {
        writeln!(output, "{}", serde_json::to_string(&report.counts())?)?;
    } else {
        writeln!(output, "{report}")?;
    }
    Ok(())
}

async fn import_and_project(
    store: &FlightStore,
    arguments: &Arguments,
    errors: &mut dyn Write,
) -> Result<Report> {
    let mut import = Import::into(store.clone(), errors);
    for file in &arguments.files {
        import.file(file).await?;
    }
    let rejected_rows = import.rejected_rows();

    let mut read_models = ReadModels::default();
    store.project(&mut read_models, &mut GlobalPosition::default()).await?;
    Ok(Report::new(&read_models, store.stats().await?, rejected_rows))
}
