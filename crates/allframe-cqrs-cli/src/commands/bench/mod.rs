mod latencies;
mod workload;

use std::time::{Duration, Instant};

use clap::Args;
use eventstore_api::{EventStoreBackend, GlobalPosition, ReadAll};
use serde::Serialize;

use self::{latencies::Latencies, workload::Workload};
use crate::{
    failure::Failure,
    output::Output,
    page::each_event,
    progress::Progress,
    screen::{Colours, Column, Table},
    store::{self, Location, Store},
};

/// Measure how fast a store takes events, and gives them back
///
/// Writers append one event each time, each to streams of its own, and wait until it is durable; then everything is read back.
/// What is appended stays in the store: take one of its own for it. One that holds events is refused without `--yes`.
#[derive(Args)]
pub(crate) struct BenchArguments {
    /// How many events
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    events: u64,

    /// How many append at the same time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    writers: u64,

    /// How large a payload is, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 200, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    payload: u32,

    /// Also in a store that holds events, which stay, beside what is appended
    #[arg(long)]
    yes: bool,

    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Serialize)]
struct Report {
    events: u64,
    writers: u64,
    payload_bytes: u32,
    append_seconds: f64,
    appends_per_second: u64,
    append_micros: Percentiles,
    read_seconds: f64,
    reads_per_second: u64,
}

/// How long one append took, in microseconds.
#[derive(Serialize)]
struct Percentiles {
    p50: u64,
    p99: u64,
    max: u64,
}

pub(crate) async fn run(location: &dyn Location, arguments: BenchArguments) -> Result<(), Failure> {
    let BenchArguments { events, writers, payload, yes, json } = arguments;
    let store = store::open_for_appending(location).await?;
    let before = store.head().await?;
    if before > GlobalPosition::START && !yes {
        store.close().await?;
        return Err(Failure::Conflict(format!(
            "{location} holds events, and what is measured stays in it; name a store of its own, or say --yes"
        )));
    }
    let measured = measure(&store, before, Workload { events, writers, payload }).await;
    let closed = store.close().await;
    let report = measured.inspect_err(|_| store::note_if_not_closed(&closed))?;
    closed?;
    let mut output = Output::stdout();
    match json {
        true => output.json(&report)?,
        false => tell(&report, &mut output)?,
    }
    output.finish()
}

async fn measure(store: &Store, before: GlobalPosition, workload: Workload) -> Result<Report, Failure> {
    let Workload { events, writers, payload } = workload;
    let mut progress = Progress::of_events(events);
    let began = Instant::now();
    let mut latencies: Latencies = workload.run(store, &mut progress).await?;
    let appended = began.elapsed();
    drop(progress);

    let (began, mut read) = (Instant::now(), 0_u64);
    let mut progress = Progress::unknown();
    each_event(store, ReadAll::after(before), &mut progress, |_| {
        read += 1;
        Ok(())
    })
    .await?;
    let read_in = began.elapsed();
    drop(progress);
    all_came_back(events, read)?;
    Ok(Report {
        events,
        writers,
        payload_bytes: payload,
        append_seconds: appended.as_secs_f64(),
        appends_per_second: a_second(events, appended),
        append_micros: Percentiles {
            p50: latencies.percentile(50),
            p99: latencies.percentile(99),
            max: latencies.percentile(100),
        },
        read_seconds: read_in.as_secs_f64(),
        reads_per_second: a_second(read, read_in),
    })
}

fn all_came_back(appended: u64, read: u64) -> Result<(), Failure> {
    if read < appended { Err(Failure::Lost { appended, read }) } else { Ok(()) }
}

fn a_second(events: u64, time: Duration) -> u64 {
    let whole = u128::from(events) * 1_000_000 / time.as_micros().max(1);
    u64::try_from(whole).unwrap_or(u64::MAX)
}

fn tell(report: &Report, output: &mut Output) -> Result<(), Failure> {
    output.line(format!(
        "{} events of {} bytes, by {} at a time",
        report.events, report.payload_bytes, report.writers
    ))?;
    let mut table = Table::new([
        Column::Text("WHAT"),
        Column::Number("EVENTS/S"),
        Column::Number("SECONDS"),
        Column::Number("P50 US"),
        Column::Number("P99 US"),
        Column::Number("MAX US"),
    ]);
    let Percentiles { p50, p99, max } = report.append_micros;
    table.row([
        "append".to_owned(),
        report.appends_per_second.to_string(),
        format!("{:.3}", report.append_seconds),
        p50.to_string(),
        p99.to_string(),
        max.to_string(),
    ]);
    table.row([
        "read all".to_owned(),
        report.reads_per_second.to_string(),
        format!("{:.3}", report.read_seconds),
        String::new(),
        String::new(),
        String::new(),
    ]);
    output.lines(table.lines(Colours::of_stdout()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_that_do_not_come_back_are_lost() {
        let failure = all_came_back(20, 19).unwrap_err();
        assert!(matches!(failure, Failure::Lost { appended: 20, read: 19 }));
        assert_eq!(failure.to_string(), "20 events were appended, and 19 came back");
        // Others may append meanwhile.
        all_came_back(20, 21).unwrap();
    }
}
