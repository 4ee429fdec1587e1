use std::cell::Cell;

use allframe_cqrs::{
    EventStore, Recorded,
    process::{InstanceSummary, Instances, Reacted},
};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::{
    failure::Failure,
    jsonl::{Content, Rfc3339},
    output::Output,
    screen::{Colours, Column, Table, capped, printable},
    store::{self, Location},
};

/// List the instances of process managers, or show what one has reacted to
///
/// How far process managers are, `projections` shows: their consumer groups are called `process-NAME`. Their timers and
/// scheduled commands are sagas, of the types `process_timer.NAME` and `process_command.NAME`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_value_name = "COMMAND")]
pub(crate) struct ProcessesArguments {
    #[command(subcommand)]
    command: Option<ProcessesCommand>,

    /// Only instances of this process manager
    name: Option<String>,

    /// Only those that have not ended
    #[arg(long)]
    open: bool,

    /// Print JSON: a line for each
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
enum ProcessesCommand {
    /// Show an instance: what it knows, the timers that are set, and all that it has reacted to
    Show {
        /// The name of the process manager
        name: String,

        /// Which instance of it
        key: String,
    },
}

#[derive(Serialize)]
struct Report<'i> {
    process: &'i str,
    key: &'i str,
    reactions: u64,
    changed_at: Rfc3339,
    timers: &'i [String],
    has_ended: bool,
}

#[derive(Serialize)]
struct Reaction {
    version: u64,
    recorded_at: Rfc3339,
    #[serde(flatten)]
    content: Content,
}

pub(crate) async fn run(location: &dyn Location, arguments: ProcessesArguments) -> Result<(), Failure> {
    let ProcessesArguments { command, name, open, json } = arguments;
    let store = EventStore::<Reacted, _>::with_backend(store::open_for_reading(location).await?);
    let instances = Instances::of(&store);
    match command {
        Some(ProcessesCommand::Show { name, key }) => show(&instances, &name, &key, json).await,
        None => list(&instances, name.as_deref(), open, json).await,
    }
}

async fn list(instances: &Instances, name: Option<&str>, open: bool, json: bool) -> Result<(), Failure> {
    // Before they are read: of one that is begun meanwhile it would be said that it cannot be.
    if let Some(name) = name
        && !instances.has_process(name).await?
    {
        return Err(Failure::NoSuchThing(format!(
            "there are no instances of a process manager `{name}`; `processes` lists those there are"
        )));
    }
    // All instances of the name may have ended, which is another answer.
    let is_known = Cell::new(false);
    let is_wanted = |instance: &InstanceSummary| {
        let is_of_the_name = name.is_none_or(|name| instance.process == name);
        is_known.set(is_known.get() || is_of_the_name);
        is_of_the_name && !(open && instance.has_ended)
    };
    let found = instances.list(is_wanted).await?;
    if let Some(name) = name.filter(|_| !is_known.get()) {
        return Err(Failure::NoneReadable(format!("instances of the process manager `{name}`")));
    }
    let mut output = Output::stdout();
    let mut table = Table::new([
        Column::Text("PROCESS"),
        Column::Text("KEY"),
        Column::Number("REACTIONS"),
        Column::Text("CHANGED"),
        Column::Text("TIMERS"),
        Column::Text(""),
    ]);
    for instance in &found {
        if json {
            output.json(&Report {
                process: &instance.process,
                key: &instance.key,
                reactions: instance.reactions.get(),
                changed_at: Rfc3339(instance.changed_at),
                timers: &instance.timers,
                has_ended: instance.has_ended,
            })?;
        } else {
            table.row([
                instance.process.clone(),
                instance.key.clone(),
                instance.reactions.to_string(),
                Rfc3339(instance.changed_at).to_string(),
                instance.timers.join(", "),
                if instance.has_ended { "ended" } else { "" }.to_owned(),
            ]);
        }
    }
    if found.is_empty() && !json {
        output.line("there are no such instances")?;
    }
    output.lines(table.lines(Colours::of_stdout()))?;
    output.finish()
}

async fn show(instances: &Instances, name: &str, key: &str, json: bool) -> Result<(), Failure> {
    let history = instances.history(name, key).await?;
    let Some(last) = history.last() else {
        return Err(Failure::NoSuchThing(format!(
            "there is no instance `{key}` of the process manager `{name}`; `processes` lists those there are"
        )));
    };
    let mut output = Output::stdout();
    if json {
        for reaction in &history {
            output.json(&Reaction {
                version: reaction.version().get(),
                recorded_at: Rfc3339(reaction.recorded_at()),
                content: Content::of(&reaction.record.payload, reaction.record.encoding),
            })?;
        }
        return output.finish();
    }
    tell(name, key, last, &history, &mut output)?;
    output.finish()
}

fn tell(
    name: &str,
    key: &str,
    last: &Recorded<Reacted>,
    history: &[Recorded<Reacted>],
    output: &mut Output,
) -> Result<(), Failure> {
    let colours = Colours::of_stdout();
    let state = if last.event.ended { "has ended" } else { "open" };
    output.line(format!("{}: {state}", colours.strong(printable(&format!("{name}-{key}")))))?;
    output.line(format!("knows   {}", capped(&printable(&last.event.state.to_string()), 400)))?;
    let timers: Vec<&str> = last.event.timers.keys().map(String::as_str).collect();
    if !timers.is_empty() {
        output.line(format!("timers  {}", printable(&timers.join(", "))))?;
    }
    let mut table = Table::new([
        Column::Number("VERSION"),
        Column::Text("RECORDED"),
        Column::Text("TO"),
        Column::Text("ORDERS"),
    ]);
    let json = |value: serde_json::Result<String>| capped(&value.unwrap_or_default(), 100);
    for reaction in history {
        table.row([
            reaction.version().to_string(),
            Rfc3339(reaction.recorded_at()).to_string(),
            json(serde_json::to_string(&reaction.event.to)),
            json(serde_json::to_string(&reaction.event.orders)),
        ]);
    }
    output.line("")?;
    output.lines(table.lines(colours))
}
