//! A bank on a store in a directory, in a process that is killed again and again; then the laws.
//!
//! `cargo xtask soak --help` says more, and the README which file does what.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it talks to the person or the process that started it"
)]

mod arguments;
mod bank;
mod child;
mod laws;
mod ledger;
mod life;
mod plan;
mod run;
mod said;
mod store;
mod transfer;

use std::process::ExitCode;

use arguments::{Arguments, What};
use clap::Parser;

fn main() -> ExitCode {
    let ended = match Arguments::parse().what {
        What::Run(asked) => run::run(&asked),
        What::Live(life) => child::live(&life),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
