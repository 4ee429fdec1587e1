//! Sagas: who cannot fly as planned is brought onto later flights, or nothing is done and everything undone.
//!
//! Each flight that was cancelled or diverted starts one, `reaccommodation`, with the flight's own name for an id: to run them
//! again starts none twice. They find the next two flights of that airline from that airport to that destination within a day,
//! hold seats on them, tell the passengers, and give the gate to others. Flights that strand people strand them by the dozen, so
//! that they compete for the seats: some find no later flight, some find it full, and some find seats for a part of them only,
//! which are given back then.

mod definition;
mod ground;
mod report;
mod seats;
mod timetable;

use std::{
    io::Write,
    sync::Arc,
    time::{Duration, Instant},
};

use allframe_cqrs::{
    CommandBus, EventStore, GlobalPosition,
    saga::{SagaOrchestrator, SagaOutcome},
};
use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt, stream};
use ground::{GroundEvent, GroundTally};
pub(crate) use report::SagaReport;
use timetable::{Stranded, Timetable};

use super::store::{Backend, FlightStore};

/// How many sagas run at a time at most.
const MAX_AT_ONCE: usize = 64;

/// Runs the saga of each flight in this store that was cancelled or diverted to its end. Those that an earlier run has ended are
/// found as they ended, and what it has left in the middle goes on.
///
/// Those that compete for seats go one after the other, in the order of their departures, so that chance has no say in who gets
/// them; all others go at once.
pub(crate) async fn run(
    flights: &FlightStore,
    is_mine_alone: bool,
    errors: &mut dyn Write,
) -> Result<SagaReport> {
    let (begun, events_before) = (Instant::now(), flights.stats().await?.total_events);
    let timetable = Arc::new(Timetable::of(flights).await?);
    let ground = EventStore::<GroundEvent, Backend>::with_backend(flights.backend().clone());
    let bus = CommandBus::builder(ground.clone()).discover().build()?;
    let mut builder =
        SagaOrchestrator::builder(flights).saga(definition::reaccommodation(&bus, Arc::clone(&timetable)));
    if is_mine_alone {
        // What a run that was killed has left is then taken up at once.
        builder = builder.with_worker_name("flights");
    }
    let sagas = builder.open().await.context("the sagas cannot be taken up")?;
    let outcomes = in_their_order(&sagas, timetable.stranded()).await;
    sagas.close().await;
    let outcomes = outcomes?;
    let time = begun.elapsed();
    let events = flights.stats().await?.total_events - events_before;
    writeln!(errors, "{}", speed(outcomes.len(), events, time))?;
    let (mut tally, mut counted) = (GroundTally::default(), GlobalPosition::START);
    ground.project(&mut tally, &mut counted).await?;
    Ok(SagaReport::of(outcomes, tally))
}

/// How the sagas of these groups have ended.
async fn in_their_order(sagas: &SagaOrchestrator, groups: Vec<Vec<Stranded>>) -> Result<Vec<SagaOutcome>> {
    let one_group = |group: Vec<Stranded>| async move {
        let mut outcomes = Vec::with_capacity(group.len());
        for stranded in group {
            let outcome = sagas.run(definition::REACCOMMODATION, &stranded.flight, &stranded).await;
            outcomes.push(outcome.with_context(|| format!("the saga of {} failed", stranded.flight))?);
        }
        anyhow::Ok(outcomes)
    };
    let outcomes: Vec<_> =
        stream::iter(groups).map(one_group).buffer_unordered(MAX_AT_ONCE).try_collect().await?;
    Ok(outcomes.into_iter().flatten().collect())
}

/// How fast it was, which is another in every run: not for where the counts go.
fn speed(sagas: usize, events: u64, time: Duration) -> String {
    let seconds = time.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "sagas are far below 2^52")]
    let rate = sagas as f64 / seconds.max(f64::EPSILON);
    format!("{sagas} sagas, {events} events in {seconds:.2} s: {rate:.0} sagas a second")
}
