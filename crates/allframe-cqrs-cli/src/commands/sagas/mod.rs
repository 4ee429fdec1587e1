mod details;
mod list;

use allframe_cqrs::{
    EventStore,
    saga::{SagaEvent, SagaId, Sagas},
};
use clap::{Args, Subcommand, ValueEnum};
use eventstore_api::EventStoreBackend;
use serde_json::Value;

use crate::{
    failure::Failure,
    output::Output,
    screen::printable,
    store::{self, Location, Store},
};

/// List the sagas, show one, and step in where one waits for a person
///
/// The program that drives a saga is not needed for it, and where it runs, it sees at once what is asked for. Of a `wal:` or
/// `rocksdb:` store that is only possible while no program has it open; of a PostgreSQL store always.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_value_name = "COMMAND")]
pub(crate) struct SagasArguments {
    #[command(subcommand)]
    command: Option<SagasCommand>,

    /// Only sagas of this type
    #[arg(value_name = "TYPE")]
    saga: Option<String>,

    /// Only sagas that are so; as often as needed
    #[arg(long, value_enum, value_name = "STATUS")]
    status: Vec<Status>,

    /// Print JSON: a line for each
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Status {
    /// Its steps are carried out, or wait for their time
    Running,
    /// Its steps are undone
    Compensating,
    /// It waits for a person
    Parked,
    /// All is done
    Completed,
    /// All that was done is undone
    Compensated,
    /// A person has ended it as it was
    Abandoned,
}

/// Which saga.
#[derive(Args)]
struct Which {
    /// Its type
    #[arg(value_name = "TYPE")]
    saga: String,

    /// Which of its type
    id: String,
}

#[derive(Subcommand)]
enum SagasCommand {
    /// Show a saga: its steps with their attempts, what comes next, and all that has happened to it
    Show {
        #[command(flatten)]
        which: Which,
    },
    #[command(flatten)]
    StepIn(Decision),
}

/// What a person decides of a saga.
#[derive(Subcommand)]
enum Decision {
    /// Have what a saga failed at tried again: of one that is parked, or that waits to try again
    Retry {
        #[command(flatten)]
        which: Which,

        /// What to remember of it
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        note: String,
    },
    /// Have a parked saga go on as if what it failed at had been done: a person has done it by hand
    Resume {
        #[command(flatten)]
        which: Which,

        /// What the step would have answered, any JSON, for the steps behind it
        #[arg(long, value_name = "JSON", default_value = "null")]
        output: Value,

        /// What to remember of it
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        note: String,
    },
    /// Have a saga turn round: what it has done is undone, also where all is done already
    Compensate {
        #[command(flatten)]
        which: Which,

        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// End a saga as it is: nothing more is done, and nothing is undone
    Abandon {
        #[command(flatten)]
        which: Which,

        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

pub(crate) async fn run(location: &dyn Location, arguments: SagasArguments) -> Result<(), Failure> {
    let SagasArguments { command, saga, status, json } = arguments;
    match command {
        None => {
            let sagas = sagas(store::open_for_reading(location).await?);
            list::run(&sagas, saga.as_deref(), &status, json).await
        }
        Some(SagasCommand::Show { which }) => {
            let sagas = sagas(store::open_for_reading(location).await?);
            details::run(&sagas, &which.id()?, json).await
        }
        Some(SagasCommand::StepIn(decision)) => step_in(location, &decision, json).await,
    }
}

fn sagas(backend: Store) -> Sagas {
    Sagas::of(&EventStore::<SagaEvent, _>::with_backend(backend))
}

/// Stores what a person has decided.
async fn step_in(location: &dyn Location, decision: &Decision, json: bool) -> Result<(), Failure> {
    // One that is not there is not begun: whoever steps in has mistyped its name.
    drop(store::open_for_reading(location).await?);
    let backend = store::open_for_appending(location).await?;
    let sagas = sagas(backend.clone());
    let changed = async {
        let (saga, done) = match decision {
            Decision::Retry { which, note } => {
                let saga = which.id()?;
                sagas.retry(&saga, note.as_str()).await?;
                (saga, "is tried again")
            }
            Decision::Resume { which, output, note } => {
                let saga = which.id()?;
                sagas.resume(&saga, output, note.as_str()).await?;
                (saga, "goes on")
            }
            Decision::Compensate { which, reason } => {
                let saga = which.id()?;
                sagas.compensate(&saga, reason.as_str()).await?;
                (saga, "turns round")
            }
            Decision::Abandon { which, reason } => {
                let saga = which.id()?;
                sagas.abandon(&saga, reason.as_str()).await?;
                (saga, "has ended as it is")
            }
        };
        Ok::<_, Failure>((saga, done))
    }
    .await;
    let closed = backend.close().await;
    let (saga, done) = changed?;
    closed?;
    if json {
        return details::run(&sagas_for_reading(location).await?, &saga, true).await;
    }
    let mut output = Output::stdout();
    output.line(format!("{} {done}", printable(&saga.to_string())))?;
    output.finish()
}

async fn sagas_for_reading(location: &dyn Location) -> Result<Sagas, Failure> {
    Ok(sagas(store::open_for_reading(location).await?))
}

impl Which {
    fn id(&self) -> Result<SagaId, Failure> {
        Ok(SagaId::new(&self.saga, &self.id)?)
    }
}
