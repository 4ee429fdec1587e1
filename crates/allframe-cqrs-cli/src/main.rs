//! A tool for event stores: looks into them, checks them, and moves events in and out of them.

mod arguments;
mod commands;
mod exit;
mod failure;
mod interrupted;
mod jsonl;
mod output;
mod page;
mod progress;
mod redacted;
mod screen;
mod store;
mod store_url;

use std::process::ExitCode;

use arguments::Arguments;
use clap::Parser;
use failure::{Failure, Listener};

fn main() -> ExitCode {
    let Arguments { store, command } = Arguments::parse();
    let listener = if command.is_for_programs() { Listener::Program } else { Listener::Person };
    let done = runtime().and_then(|runtime| runtime.block_on(commands::run(store.as_deref(), command)));
    done.unwrap_or_else(|failure| failure.tell(listener)).into()
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|source| Failure::System { what: "cannot start", source })
}
