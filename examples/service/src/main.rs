//! A service: commands and queries over HTTP, projections and sagas behind them, and all that an operator asks for.
//!
//! `README.md` says how it is run, and where to change it into yours.

mod configuration;
mod domain;
mod health;
mod http;
mod lifecycle;
mod opening;
mod outcomes;
mod run;
mod shutdown;
mod store;
mod studio;
mod telemetry;

use std::{
    io::{self, Write},
    process::ExitCode,
};

#[tokio::main]
async fn main() -> ExitCode {
    let Err(error) = run::run().await else { return ExitCode::SUCCESS };
    // If standard error is closed, the exit code is all that can be told.
    let _ = writeln!(io::stderr(), "error: {error:#}");
    ExitCode::FAILURE
}
