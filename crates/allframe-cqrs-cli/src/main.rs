//! A tool for event stores: looks into them, checks them, and moves events in and out of them.

mod arguments;
mod export;
mod failure;
mod human;
mod import;
mod inspect;
mod jsonl;
mod output;
mod page;
mod progress;
mod redacted;
#[cfg(feature = "schemas")]
mod schemas;
mod sink;
mod stats;
mod store;
mod store_url;
mod tail;
mod verify;

use std::process::ExitCode;

use arguments::{Arguments, Command};
use clap::Parser;
use failure::Failure;

fn main() -> ExitCode {
    run(Arguments::parse()).unwrap_or_else(|failure| failure.tell())
}

fn run(Arguments { store, command }: Arguments) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| Failure::System { what: "cannot start", source })?;
    runtime.block_on(async {
        #[cfg(feature = "schemas")]
        if let Command::Schemas(arguments) = command {
            return schemas::run(store.as_deref(), arguments).await;
        }
        let location = store_url::parse(store.as_deref())?;
        match command {
            Command::Import(arguments) => import::run(&*location, arguments).await?,
            Command::Export(arguments) => return export::run(&*location, arguments).await,
            Command::Verify(arguments) => return verify::run(&*location, arguments).await,
            Command::Stats(arguments) => stats::run(&*location, arguments).await?,
            Command::Inspect(arguments) => inspect::run(&*location, arguments).await?,
            Command::Tail(arguments) => tail::run(&*location, arguments).await?,
            // It names stores in its own way.
            #[cfg(feature = "schemas")]
            Command::Schemas(_) => {}
        }
        Ok(ExitCode::SUCCESS)
    })
}
