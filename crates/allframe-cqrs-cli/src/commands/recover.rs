use clap::Args;
use eventstore_api::BackendStats;
use serde::Serialize;

use crate::{
    failure::{Failure, heard_or_not},
    output::Output,
    screen::count,
    store::{self, Location},
};

/// Open a store as whoever writes to it does, which puts in order what a crash has left, and close it
///
/// What an interrupted append has left half written is put aside, what is whole is made durable and shown from then on, and indexes that are
/// missing are made. Any program that opens the store for writing does the same: this is for when none is to be started, as
/// before an export or a migration. No store is begun where there is none.
#[derive(Args)]
pub(crate) struct RecoverArguments {
    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Serialize)]
struct Report {
    events: u64,
    streams: u64,
    snapshots: u64,
    head: u64,
}

pub(crate) async fn run(location: &dyn Location, arguments: RecoverArguments) -> Result<(), Failure> {
    let store = store::open_existing_for_appending(location).await?;
    let counted = store.stats().await;
    let closed = store.close().await;
    let stats = counted.inspect_err(|_| store::note_if_not_closed(&closed))?;
    closed?;
    heard_or_not(tell(&stats, arguments.json))
}

fn tell(stats: &BackendStats, json: bool) -> Result<(), Failure> {
    let BackendStats { total_events, total_streams, total_snapshots, head, .. } = *stats;
    let mut output = Output::stdout();
    if json {
        output.json(&Report {
            events: total_events,
            streams: total_streams,
            snapshots: total_snapshots,
            head: head.get(),
        })?;
    } else {
        output.line(format!(
            "opened for writing and closed: {} of {}, {}, head {head}",
            count(total_events, "event"),
            count(total_streams, "stream"),
            count(total_snapshots, "snapshot"),
        ))?;
    }
    output.finish()
}
