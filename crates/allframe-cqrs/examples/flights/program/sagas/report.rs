use std::{collections::BTreeMap, fmt, io::Write};

use allframe_cqrs::saga::SagaOutcome;
use anyhow::Result;
use serde::Serialize;

use super::ground::GroundTally;
use crate::program::arguments::Arguments;

/// What became of the sagas: the same in every run over the same flights.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct SagaReport {
    started: usize,
    completed: usize,
    compensated: usize,
    parked: usize,
    #[serde(flatten)]
    ground: GroundTally,
    /// Why sagas did not complete, and how often.
    reasons: BTreeMap<String, usize>,
}

impl SagaReport {
    pub(super) fn of(outcomes: Vec<SagaOutcome>, ground: GroundTally) -> Self {
        let mut report = Self { started: outcomes.len(), ground, ..Self::default() };
        for outcome in outcomes {
            match outcome {
                SagaOutcome::Completed(_) => report.completed += 1,
                SagaOutcome::Compensated { reason } => {
                    report.compensated += 1;
                    *report.reasons.entry(reason).or_default() += 1;
                }
                SagaOutcome::Parked { reason } => {
                    report.parked += 1;
                    *report.reasons.entry(reason).or_default() += 1;
                }
                // Nobody abandons one of these.
                _ => {}
            }
        }
        report
    }

    pub(crate) fn print(&self, arguments: &Arguments, output: &mut dyn Write) -> Result<()> {
        if arguments.json {
            writeln!(output, "{}", serde_json::to_string(self)?)?;
        } else {
            writeln!(output, "{self}")?;
        }
        Ok(())
    }
}

impl fmt::Display for SagaReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { started, completed, compensated, parked, ground, reasons } = self;
        let GroundTally { seats_held, seats_released, flights_notified, gates_released } = ground;
        writeln!(f, "{:<75} {:>8}", "passengers of flights that were cancelled or diverted", "sagas")?;
        for (what, count) in [("started", started), ("completed", completed), ("compensated", compensated)] {
            writeln!(f, "{what:<75} {count:>8}")?;
        }
        for (reason, count) in reasons {
            writeln!(f, "  {reason:<73} {count:>8}")?;
        }
        writeln!(f, "{:<75} {parked:>8}", "parked")?;
        write!(
            f,
            "{seats_held} seats held, {seats_released} of them released again; {flights_notified} flights notified, \
             {gates_released} gates released"
        )
    }
}
