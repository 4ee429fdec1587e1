//! The commands: a file, or a folder, each, with its arguments and what it does.

pub(crate) mod append;
pub(crate) mod bench;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod inspect;
pub(crate) mod manual;
pub(crate) mod migrate;
#[cfg(feature = "toolkit")]
pub(crate) mod processes;
#[cfg(feature = "toolkit")]
pub(crate) mod projections;
mod reading;
pub(crate) mod recover;
#[cfg(feature = "toolkit")]
pub(crate) mod sagas;
#[cfg(feature = "schemas")]
pub(crate) mod schemas;
pub(crate) mod snapshots;
pub(crate) mod stats;
pub(crate) mod streams;
pub(crate) mod tail;
pub(crate) mod verify;

use self::reading::reading;
use crate::{arguments::Command, exit::Exit, failure::Failure, store_url};

pub(crate) async fn run(store: Option<&str>, command: Command) -> Result<Exit, Failure> {
    // Scripts unset a variable by making it empty.
    let store = store.filter(|url| !url.is_empty());
    let location = || store_url::parse(store);
    match command {
        Command::Stats(arguments) => {
            return reading(&*location()?, async |store| stats::run(store, arguments).await).await;
        }
        Command::Streams(arguments) => {
            return reading(&*location()?, async |store| streams::run(store, arguments).await).await;
        }
        Command::Inspect(arguments) => {
            return reading(&*location()?, async |store| inspect::run(store, arguments).await).await;
        }
        Command::Tail(arguments) => {
            return reading(&*location()?, async |store| tail::run(store, arguments).await).await;
        }
        Command::Append(arguments) => append::run(&*location()?, arguments).await?,
        Command::Import(arguments) => import::run(&*location()?, arguments).await?,
        Command::Export(arguments) => return export::run(&*location()?, arguments).await,
        Command::Verify(arguments) => return verify::run(&*location()?, arguments).await,
        Command::Recover(arguments) => recover::run(&*location()?, arguments).await?,
        // It names two stores.
        Command::Migrate(arguments) => return migrate::run(arguments).await,
        Command::Snapshots(arguments) => {
            return reading(&*location()?, async |store| snapshots::run(store, arguments).await).await;
        }
        #[cfg(feature = "toolkit")]
        Command::Projections(arguments) => {
            return reading(&*location()?, async |store| projections::run(store, arguments).await).await;
        }
        #[cfg(feature = "toolkit")]
        Command::Sagas(arguments) if arguments.only_reads() => {
            return reading(&*location()?, async |store| sagas::run(store, arguments).await).await;
        }
        #[cfg(feature = "toolkit")]
        Command::Sagas(arguments) => sagas::run(&*location()?, arguments).await?,
        #[cfg(feature = "toolkit")]
        Command::Processes(arguments) => {
            return reading(&*location()?, async |store| processes::run(store, arguments).await).await;
        }
        // It names stores in its own way.
        #[cfg(feature = "schemas")]
        Command::Schemas(arguments) => return schemas::run(store, arguments).await,
        Command::Bench(arguments) => bench::run(&*location()?, arguments).await?,
        Command::Completions(arguments) => manual::completions(arguments)?,
        Command::Man(arguments) => manual::man(arguments)?,
    }
    Ok(Exit::Done)
}
