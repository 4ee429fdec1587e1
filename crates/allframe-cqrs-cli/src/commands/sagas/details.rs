use allframe_cqrs::saga::{SagaDetails, SagaId, SagaStatus, Sagas, StepDetails, StepProgress};
use eventstore_api::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::{
    failure::Failure,
    jsonl::{Content, Rfc3339},
    output::Output,
    screen::{Colours, Column, Table, capped, preview, printable},
};

const MAX_CHARACTERS: usize = 100;

#[derive(Serialize)]
struct Report<'s> {
    #[serde(rename = "type")]
    saga: &'s str,
    id: &'s str,
    status: &'static str,
    reason: Option<&'s str>,
    input: &'s Value,
    correlation_id: &'s str,
    worker: Option<&'s str>,
    started_at: Rfc3339,
    deadline: Option<Rfc3339>,
    next_deadline: Option<Rfc3339>,
    steps: Vec<Step<'s>>,
    history: Vec<Happened<'s>>,
}

#[derive(Serialize)]
struct Step<'s> {
    name: &'s str,
    progress: &'static str,
    until: Option<Rfc3339>,
    attempts: u32,
    failure: Option<&'s str>,
    output: Option<&'s Value>,
}

#[derive(Serialize)]
struct Happened<'s> {
    version: u64,
    recorded_at: Rfc3339,
    #[serde(rename = "type")]
    event_type: &'s str,
    #[serde(flatten)]
    content: Content,
}

pub(super) async fn run(sagas: &Sagas, saga: &SagaId, json: bool) -> Result<(), Failure> {
    let details = sagas.show(saga).await?;
    let mut output = Output::stdout();
    match json {
        true => output.json(&report(&details))?,
        false => tell(&details, &mut output)?,
    }
    output.finish()
}

fn report(details: &SagaDetails) -> Report<'_> {
    let history = details.history.iter().map(|happened| Happened {
        version: happened.version().get(),
        recorded_at: Rfc3339(happened.recorded_at()),
        event_type: happened.record.event_type.as_str(),
        content: Content::of(&happened.record.payload, happened.record.encoding),
    });
    Report {
        saga: details.saga.saga(),
        id: details.saga.id(),
        status: details.status.as_str(),
        reason: details.reason.as_deref(),
        input: &details.input,
        correlation_id: &details.correlation_id,
        worker: details.worker.as_deref(),
        started_at: Rfc3339(details.started_at),
        deadline: details.deadline.map(Rfc3339),
        next_deadline: details.next_deadline.map(Rfc3339),
        steps: details.steps.iter().map(step).collect(),
        history: history.collect(),
    }
}

fn step(step: &StepDetails) -> Step<'_> {
    let (progress, until) = progress(step.progress);
    Step {
        name: &step.name,
        progress,
        until: until.map(Rfc3339),
        attempts: step.attempts,
        failure: step.failure.as_deref(),
        output: step.output.as_deref(),
    }
}

/// In one word, and the moment that belongs to it.
fn progress(progress: StepProgress) -> (&'static str, Option<Timestamp>) {
    match progress {
        StepProgress::Running { deadline } => ("running", Some(deadline)),
        StepProgress::Retrying { at } => ("retrying", Some(at)),
        StepProgress::Completed => ("completed", None),
        StepProgress::Skipped => ("skipped", None),
        StepProgress::Failed => ("failed", None),
        StepProgress::Undoing { deadline } => ("undoing", Some(deadline)),
        StepProgress::UndoRetrying { at } => ("undo_retrying", Some(at)),
        StepProgress::UndoFailed => ("undo_failed", None),
        StepProgress::Undone => ("undone", None),
        _ => ("unknown", None),
    }
}

fn tell(details: &SagaDetails, output: &mut Output) -> Result<(), Failure> {
    let colours = Colours::of_stdout();
    let status = match details.status {
        SagaStatus::Parked | SagaStatus::Abandoned => colours.bad(details.status),
        SagaStatus::Completed => colours.good(details.status),
        status => status.to_string(),
    };
    let name = colours.strong(printable(&details.saga.to_string()));
    output.line(format!("{name}: {status}, started {}", Rfc3339(details.started_at)))?;
    let mut about = vec![
        ("reason", details.reason.clone()),
        ("worker", details.worker.clone()),
        ("correlation", Some(details.correlation_id.to_string())),
        ("input", Some(details.input.to_string())),
    ];
    about.push(("next", details.next_deadline.map(|moment| Rfc3339(moment).to_string())));
    about.push(("deadline", details.deadline.map(|moment| Rfc3339(moment).to_string())));
    for (what, value) in about {
        if let Some(value) = value {
            output.line(format!("{what:<12} {}", capped(&printable(&value), 400)))?;
        }
    }

    let mut steps = Table::new([
        Column::Text("STEP"),
        Column::Text("PROGRESS"),
        Column::Number("ATTEMPTS"),
        Column::Text("UNTIL"),
        Column::Text("OUTPUT OR FAILURE"),
    ]);
    for one in &details.steps {
        let step = step(one);
        let outcome =
            step.failure.map_or_else(|| step.output.map(Value::to_string), |it| Some(it.to_owned()));
        steps.row([
            step.name.to_owned(),
            step.progress.to_owned(),
            step.attempts.to_string(),
            step.until.map(|moment| moment.to_string()).unwrap_or_default(),
            capped(&outcome.unwrap_or_default(), MAX_CHARACTERS),
        ]);
    }
    output.line("")?;
    output.lines(steps.lines(colours))?;

    let mut history = Table::new([
        Column::Number("VERSION"),
        Column::Text("RECORDED"),
        Column::Text("EVENT"),
        Column::Text(""),
    ]);
    for happened in &details.history {
        history.row([
            happened.version().to_string(),
            Rfc3339(happened.recorded_at()).to_string(),
            happened.record.event_type.to_string(),
            preview(&happened.record, MAX_CHARACTERS),
        ]);
    }
    output.line("")?;
    output.lines(history.lines(colours))
}
