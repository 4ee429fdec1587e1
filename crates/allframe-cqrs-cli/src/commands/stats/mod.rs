mod growth;

use std::collections::BTreeMap;

use clap::Args;
use eventstore_api::{BackendStats, EventStoreBackend};
use serde::Serialize;

use self::growth::Growth;
use crate::{
    failure::Failure,
    output::Output,
    screen::{Colours, width},
    store::{self, Location},
};

/// Say how much the store holds
#[derive(Args)]
pub(crate) struct StatsArguments {
    /// Draw how the events became more over time, and how many came at a time; every event is read for it
    #[arg(long)]
    plot: bool,

    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The counts, in the order in which they are printed.
#[derive(Serialize)]
struct Counts {
    total_events: u64,
    total_streams: u64,
    total_snapshots: u64,
    head: u64,
    /// On disk; none where the store does not tell.
    bytes: Option<u64>,
    /// What only this kind of store says.
    #[serde(skip_serializing_if = "Option::is_none")]
    specific: Option<Specific>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plot: Option<Growth>,
}

#[derive(Serialize)]
struct Specific {
    backend: &'static str,
    #[serde(flatten)]
    numbers: BTreeMap<&'static str, u64>,
}

pub(crate) async fn run(location: &dyn Location, arguments: StatsArguments) -> Result<(), Failure> {
    let store = store::open_for_reading(location).await?;
    let stats = store.stats().await?;
    let BackendStats { total_events, total_streams, total_snapshots, head, .. } = stats;
    let specific = stats.any_specific().map(|specific| Specific {
        backend: specific.backend_type(),
        numbers: specific.numbers().into_iter().collect(),
    });
    let bytes = location.bytes();
    let plot = if arguments.plot { Growth::of(&store, width()).await? } else { None };
    let counts =
        Counts { total_events, total_streams, total_snapshots, head: head.get(), bytes, specific, plot };

    let mut output = Output::stdout();
    if arguments.json {
        output.json(&counts)?;
        return output.finish();
    }
    let rows = [
        ("events", Some(counts.total_events)),
        ("streams", Some(counts.total_streams)),
        ("snapshots", Some(counts.total_snapshots)),
        ("head", Some(counts.head)),
        ("bytes", counts.bytes),
    ];
    for (name, value) in rows {
        if let Some(value) = value {
            output.line(format!("{name:<25}{value:>14}"))?;
        }
    }
    if let Some(specific) = stats.any_specific() {
        for (name, value) in specific.numbers() {
            output.line(format!("{:<25}{value:>14}", format!("{}.{name}", specific.backend_type())))?;
        }
    }
    match &counts.plot {
        Some(growth) => output.lines(growth.lines(Colours::of_stdout()))?,
        None if arguments.plot => output.line("\nthere is nothing to draw: the store holds no events")?,
        None => {}
    }
    output.finish()
}
