//! A weather station has written three years into one stream, and its tests between them. A copy of its store has a stream a year.
//!
//! ```sh
//! cargo run -p allframe-cqrs --example copying
//! ```
//!
//! The copy is rehearsed first, which writes nothing and tells what would become of what. The station goes on writing while it is made: what
//! has come since is copied by running it once more. In the end both stores are compared. docs/copying-a-store.md has the rest.

#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use std::collections::BTreeMap;

use allframe_cqrs::{
    EventStore,
    api::RecordedEvent,
    copy::{CopyCounts, CopyTotals, Output, StoreCopy, VerifyReport},
    event,
};
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum StationEvent {
    Measured { year: u32, celsius: f64 },
    Tested {},
}

const STATION: &str = "station";

/// What becomes of each event. It is asked again where a copy goes on, and must answer the same: it looks at the event and at nothing else.
fn by_year(record: &RecordedEvent, output: &mut Output<'_>) -> Result<(), serde_json::Error> {
    #[derive(Deserialize)]
    struct Measured {
        year: u32,
    }
    match record.event_type.as_str() {
        "Tested" => output.discard(),
        "Measured" => {
            let measured: Measured = serde_json::from_slice(&record.payload)?;
            output.keep_in(format!("{STATION}-{}", measured.year));
        }
        _ => output.keep(),
    }
    Ok(())
}

struct Told {
    rehearsed: CopyCounts,
    first_run: u64,
    second_run: u64,
    in_all: CopyTotals,
    compared: VerifyReport,
    by_stream: BTreeMap<String, Vec<StationEvent>>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let told = tell().await?;
    println!("rehearsed: {}", told.rehearsed);
    println!("copied: {} events, and then {} that had come since", told.first_run, told.second_run);
    println!("in all: {:?}; the same in both stores: {}", told.in_all, told.compared.is_same());
    for (stream, events) in &told.by_stream {
        println!("{stream}: {} events, the last {:?}", events.len(), events.last());
    }
    Ok(())
}

async fn tell() -> anyhow::Result<Told> {
    // Any two backends, as a `WalBackend` and a `PostgresBackend`.
    let (old, new) = (EventStore::<StationEvent>::new(), EventStore::<StationEvent>::new());
    for year in 2023..=2025 {
        let measured = (0..12).map(|month| StationEvent::Measured { year, celsius: f64::from(month) });
        old.append(STATION, measured.chain([StationEvent::Tested {}]).collect()).await?;
    }

    let copy = StoreCopy::new("by-year").from(old.backend()).to(new.backend()).transform(by_year);
    let rehearsed = copy.rehearse().await?;
    anyhow::ensure!(rehearsed.failures.is_empty(), "it would fail: {:?}", rehearsed.failures);

    let first_run = copy.run().await?;
    old.append(STATION, vec![StationEvent::Measured { year: 2026, celsius: -4.5 }]).await?;
    let second_run = copy.run().await?;
    let compared = copy.verify().await?;

    let mut by_stream = BTreeMap::new();
    for year in 2023..=2026 {
        let stream = format!("{STATION}-{year}");
        let events = new.get_events(stream.as_str()).await?;
        by_stream.insert(stream, events);
    }
    Ok(Told {
        rehearsed: rehearsed.counts,
        first_run: first_run.copied.read,
        second_run: second_run.copied.read,
        in_all: second_run.total,
        compared,
        by_stream,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_year_has_its_stream_and_tests_are_left_out() {
        let told = tell().await.unwrap();
        assert_eq!((told.rehearsed.written, told.rehearsed.discarded), (36, 3));
        assert_eq!((told.first_run, told.second_run), (39, 1));
        assert_eq!((told.in_all.written, told.in_all.discarded), (37, 3));
        assert!(told.compared.is_same(), "{:?}", told.compared);

        let lengths: Vec<usize> = told.by_stream.values().map(Vec::len).collect();
        assert_eq!(lengths, [12, 12, 12, 1]);
        assert_eq!(told.by_stream["station-2026"], [StationEvent::Measured { year: 2026, celsius: -4.5 }]);
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_found_by_the_rehearsal() {
        #[event(rename = "Measured")]
        #[derive(Clone, Serialize, Deserialize)]
        struct MeasuredBefore {
            kelvin: f64,
        }
        let old = EventStore::<MeasuredBefore>::new();
        old.append(STATION, vec![MeasuredBefore { kelvin: 270.0 }]).await.unwrap();
        let copy = StoreCopy::new("by-year").from(old.backend()).transform(by_year);
        let rehearsal = copy.rehearse().await.unwrap();
        assert_eq!((rehearsal.counts.written, rehearsal.failure_count), (0, 1));
    }
}
