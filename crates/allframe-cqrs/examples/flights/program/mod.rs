//! The program, but for what makes a process of it. The store on RocksDB is tried with it too, in tests of its own.

mod airport_board;
pub(crate) mod arguments;
mod capped_lines;
mod csv_rows;
mod fields;
mod flight;
mod import;
mod progress;
pub(crate) mod punctuality;
mod read_models;
mod report;
mod row;
mod rows_in_flight;
pub(crate) mod store;

use std::io::Write;

use allframe_cqrs::{EventStoreBackend, GlobalPosition};
use anyhow::{Context, Result};
use arguments::Arguments;
use import::Import;
use read_models::ReadModels;
use report::Report;
use store::FlightStore;

/// Does what the arguments say, and prints what came of it.
pub(crate) async fn run(arguments: Arguments, output: &mut dyn Write, errors: &mut dyn Write) -> Result<()> {
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

pub(crate) async fn import_and_project(
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
