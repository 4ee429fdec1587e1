use eventstore_api::{BackendStats, EventStoreBackend};
use serde::Serialize;

use crate::{
    arguments::StatsArguments,
    failure::Failure,
    output::Output,
    store::{self, Location},
};

/// The counts, in the order in which they are printed.
#[derive(Serialize)]
struct Counts {
    total_events: u64,
    total_streams: u64,
    total_snapshots: u64,
    head: u64,
    /// On disk; none where the store does not tell.
    bytes: Option<u64>,
}

pub(crate) async fn run(location: &dyn Location, arguments: StatsArguments) -> Result<(), Failure> {
    let store = store::open_for_reading(location).await?;
    let BackendStats { total_events, total_streams, total_snapshots, head, .. } = store.stats().await?;
    let bytes = location.bytes();
    let counts = Counts { total_events, total_streams, total_snapshots, head: head.get(), bytes };

    let mut output = Output::stdout();
    if arguments.json {
        output.json(&counts)?;
    } else {
        let rows = [
            ("events", Some(counts.total_events)),
            ("streams", Some(counts.total_streams)),
            ("snapshots", Some(counts.total_snapshots)),
            ("head", Some(counts.head)),
            ("bytes", counts.bytes),
        ];
        for (name, value) in rows {
            if let Some(value) = value {
                output.line(format!("{name:<10}{value:>14}"))?;
            }
        }
    }
    output.finish()
}
