//! A store on a real disk, and a process that is killed while it appends and archives or copies, again and again.
//!
//! A child appends and says what was acknowledged, and every other one archives or copies meanwhile; it is killed with SIGKILL at a
//! random moment, now and then while it still recovers what the one before left. Then the store is opened and held against
//! all that was acknowledged and submitted.
//! `cargo xtask kill --help` says more.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it talks to the person or the process that started it"
)]

mod arguments;
mod check;
mod half_written;
mod ledger;
mod life;
mod plan;
mod rounds;
mod stores;
mod writer;

use std::process::ExitCode;

use arguments::{Arguments, What};
use clap::Parser;

fn main() -> ExitCode {
    let ended = match Arguments::parse().what {
        What::Rounds(asked) => rounds::run(&asked),
        What::Write(life) => writer::run(&life),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
