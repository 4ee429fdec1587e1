//! Every flight that left New York, as events.
//!
//! Reads a CSV of flights, turns each row into commands on a `Flight` aggregate, stores the events that the flight decides
//! on, and answers from projections built of them:
//!
//! ```text
//! cargo run --release --example flights                       # the first week of January 2013, in the repository
//! cargo run --release --example flights -- FILE.csv --json    # any CSV of the same columns
//! ```

// A program, not a library: what it has to say goes to the terminal.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod airport_board;
mod arguments;
mod csv_rows;
mod flight;
mod import;
#[cfg(test)]
mod import_tests;
mod progress;
mod punctuality;
mod read_models;
mod report;
mod store;

use allframe_cqrs::GlobalPosition;
use anyhow::Result;
use arguments::Arguments;
use clap::Parser;
use import::Import;
use read_models::ReadModels;
use report::Report;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let store = store::open(&arguments.store)?;

    let mut import = Import::into(store.clone());
    for file in &arguments.files {
        import.file(file).await?;
    }

    let mut read_models = ReadModels::default();
    store.project(&mut read_models, GlobalPosition::START).await?;
    let report = Report::new(&read_models, store.stats().await?, import.rejected_rows());
    if arguments.json {
        println!("{}", serde_json::to_string(&report.counts())?);
    } else {
        println!("{report}");
    }
    Ok(())
}
