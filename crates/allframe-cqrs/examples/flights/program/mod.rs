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
mod rebuild;
mod report;
mod row;
mod rows_in_flight;
mod sagas;
pub(crate) mod store;
mod tally;
mod watch;

use std::{io::Write, time::Duration};

use allframe_cqrs::{EventStoreBackend, ProjectionRegistry};
use anyhow::{Context, Result};
use arguments::Arguments;
use flight::FlightEvent;
use import::Import;
use report::Report;
use sagas::SagaReport;
use store::{Backend, FlightStore};

/// The read models of this program: each registers itself where it is defined.
type ReadModels = ProjectionRegistry<FlightEvent, Backend>;

/// How long the read models may take to apply what has been stored: a store full of flights that they have never seen.
const CATCHING_UP: Duration = Duration::from_secs(600);

/// Does what the arguments say, and prints what came of it.
pub(crate) async fn run(arguments: Arguments, output: &mut dyn Write, errors: &mut dyn Write) -> Result<()> {
    if arguments.watch {
        return watch::run(&arguments, output).await;
    }
    let store = store::open(&arguments.store).await?;
    let told = tell(&store, &arguments, errors).await;
    // After an error too: then the next run has nothing to recover.
    let closed = store.backend().close().await.context("the store could not be closed");
    let (report, sagas) = told?;
    closed?;
    report.print(&arguments, output)?;
    match sagas {
        Some(sagas) => sagas.print(&arguments, output),
        None => Ok(()),
    }
}

/// The flights first: by then it is known which of them strand people.
async fn tell(
    store: &FlightStore,
    arguments: &Arguments,
    errors: &mut dyn Write,
) -> Result<(Report, Option<SagaReport>)> {
    let report = import_and_project(store, arguments, errors).await?;
    if !arguments.sagas {
        return Ok((report, None));
    }
    let sagas = sagas::run(store, store::is_of_one_process(&arguments.store), errors).await?;
    Ok((report, Some(sagas)))
}

pub(crate) async fn import_and_project(
    store: &FlightStore,
    arguments: &Arguments,
    errors: &mut dyn Write,
) -> Result<Report> {
    // Where an earlier run has left them; they follow while rows are brought in.
    let read_models = ReadModels::start(store.clone()).await?;
    let report = import_and_report(&read_models, arguments, errors).await;
    read_models.close().await?;
    report
}

async fn import_and_report(
    read_models: &ReadModels,
    arguments: &Arguments,
    errors: &mut dyn Write,
) -> Result<Report> {
    let mut import = Import::into(read_models.store().clone(), errors);
    if arguments.rebuild {
        rebuild::all(read_models).await?;
    } else {
        for file in &arguments.files {
            import.file(file).await?;
        }
    }
    let rejected_rows = import.rejected_rows();
    read_models.wait_until_caught_up(CATCHING_UP).await?;
    Report::of(read_models, rejected_rows).await
}
