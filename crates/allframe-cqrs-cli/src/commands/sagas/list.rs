use std::cell::Cell;

use allframe_cqrs::saga::{SagaStatus, SagaSummary, Sagas};
use serde::Serialize;

use super::Status;
use crate::{
    failure::Failure,
    jsonl::Rfc3339,
    output::Output,
    screen::{Colours, Column, Table, capped},
};

#[derive(Serialize)]
struct Report<'s> {
    #[serde(rename = "type")]
    saga: &'s str,
    id: &'s str,
    status: &'static str,
    started_at: Rfc3339,
    changed_at: Rfc3339,
    due: Option<Rfc3339>,
    worker: Option<&'s str>,
    reason: Option<&'s str>,
}

pub(super) async fn run(
    sagas: &Sagas,
    saga: Option<&str>,
    status: &[Status],
    json: bool,
) -> Result<(), Failure> {
    // Before they are read: of one that is begun meanwhile it would be said that it cannot be.
    if let Some(saga) = saga
        && !sagas.has_type(saga).await?
    {
        return Err(Failure::NoSuchThing(format!(
            "there are no sagas of the type `{saga}`; `sagas` lists those there are"
        )));
    }
    // Of those of the type none may be so as is asked for, which is another answer.
    let is_known = Cell::new(false);
    let is_wanted = |summary: &SagaSummary| {
        let is_of_the_type = saga.is_none_or(|saga| summary.saga.saga() == saga);
        is_known.set(is_known.get() || is_of_the_type);
        is_of_the_type && (status.is_empty() || status.iter().any(|status| status.is(summary.status)))
    };
    let found = sagas.list(is_wanted).await?;
    if let Some(saga) = saga.filter(|_| !is_known.get()) {
        return Err(Failure::NoneReadable(format!("sagas of the type `{saga}`")));
    }
    let mut output = Output::stdout();
    let mut table = Table::new([
        Column::Text("TYPE"),
        Column::Text("ID"),
        Column::Text("STATUS"),
        Column::Text("STARTED"),
        Column::Text("CHANGED"),
        Column::Text("REASON"),
    ]);
    for summary in &found {
        let report = report(summary);
        if json {
            output.json(&report)?;
        } else {
            table.row([
                report.saga.to_owned(),
                report.id.to_owned(),
                report.status.to_owned(),
                report.started_at.to_string(),
                report.changed_at.to_string(),
                capped(report.reason.unwrap_or_default(), 80),
            ]);
        }
    }
    if found.is_empty() && !json {
        output.line("there are no such sagas")?;
    }
    output.lines(table.lines(Colours::of_stdout()))?;
    output.finish()
}

fn report(summary: &SagaSummary) -> Report<'_> {
    Report {
        saga: summary.saga.saga(),
        id: summary.saga.id(),
        status: summary.status.as_str(),
        started_at: Rfc3339(summary.started_at),
        changed_at: Rfc3339(summary.changed_at),
        due: summary.due.map(Rfc3339),
        worker: summary.worker.as_deref(),
        reason: summary.reason.as_deref(),
    }
}

impl Status {
    fn is(self, status: SagaStatus) -> bool {
        let as_stored = match self {
            Self::Running => SagaStatus::Running,
            Self::Compensating => SagaStatus::Compensating,
            Self::Parked => SagaStatus::Parked,
            Self::Completed => SagaStatus::Completed,
            Self::Compensated => SagaStatus::Compensated,
            Self::Abandoned => SagaStatus::Abandoned,
        };
        as_stored == status
    }
}
