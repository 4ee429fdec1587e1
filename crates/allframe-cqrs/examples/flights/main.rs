//! Every flight that left New York, as events.
//!
//! Reads a CSV of flights, turns each row into commands on a `Flight` aggregate, stores the events that the flight decides
//! on, and answers from projections built of them:
//!
//! ```text
//! cargo run --release --example flights                       # the first week of January 2013, in the repository
//! cargo run --release --example flights -- FILE.csv --json    # any CSV of the same columns
//! cargo run --release --example flights -- --store postgresql://localhost/app#flights
//! cargo run --release --example flights -- --watch            # in another terminal, while flights come in
//! cargo run --release --example flights -- --rebuild          # the read models anew, from the events
//! cargo run --release --example flights --features rocksdb -- --store rocksdb:./data/flights-rocksdb
//! ```
//!
//! The events are kept in `./data/flights`, where no other store is named. It may be killed at any moment: the next run finds
//! the rows that are there already, and goes on with the others. Its boards are registered projections, kept in the same store:
//! they too go on where they were.

#[cfg(test)]
mod durable;
#[cfg(test)]
mod postgres_tests;
mod program;
#[cfg(test)]
#[path = "../../tests/support/schema.rs"]
mod schema;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trial;
#[cfg(test)]
mod wal_tests;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;
use program::{arguments::Arguments, run};

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
