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
    commands::reading::reading,
    exit::Exit,
    failure::{Failure, told_or},
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
        // Without a parser that is named, any text is taken for a value that is a text.
        #[arg(long, value_name = "JSON", default_value = "null", value_parser = json_value)]
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

impl SagasArguments {
    /// Whether nothing is decided.
    pub(crate) fn only_reads(&self) -> bool {
        !matches!(self.command, Some(SagasCommand::StepIn(_)))
    }
}

pub(crate) async fn run(location: &dyn Location, arguments: SagasArguments) -> Result<(), Failure> {
    let SagasArguments { command, saga, status, json } = arguments;
    match command {
        None => {
            let sagas = sagas(store::open_for_reading(location).await?);
            list::run(&sagas, saga.as_deref(), &status, json).await
        }
        Some(SagasCommand::Show { which }) => {
            let saga = which.id()?;
            let sagas = sagas(store::open_for_reading(location).await?);
            details::run(&sagas, &saga, json).await
        }
        Some(SagasCommand::StepIn(decision)) => step_in(location, &decision, json).await,
    }
}

fn sagas(backend: Store) -> Sagas {
    Sagas::of(&EventStore::<SagaEvent, _>::with_backend(backend))
}

/// Stores what a person has decided.
async fn step_in(location: &dyn Location, decision: &Decision, json: bool) -> Result<(), Failure> {
    // Before the store is opened, which others cannot do meanwhile.
    let saga = decision.which().id()?;
    // One that is not there is not begun: whoever steps in has mistyped its name.
    look(location, async |location| store::open_for_reading(location).await.map(drop)).await?;
    let backend = store::open_for_appending(location).await?;
    let done = decide(&backend, &saga, decision).await?;
    told_or(tell(location, &saga, done, json).await, |source| Failure::DecidedNotTold { saga, done, source })
}

/// What has become of a saga; for programs, all that is known of it.
async fn tell(location: &dyn Location, saga: &SagaId, done: &str, json: bool) -> Result<(), Failure> {
    if json {
        return look(location, async |location| {
            let sagas = sagas(store::open_for_reading(location).await?);
            details::run(&sagas, saga, true).await
        })
        .await;
    }
    let mut output = Output::stdout();
    output.line(format!("{} {done}", printable(&saga.to_string())))?;
    output.finish()
}

/// Stores it, and closes the store. Says what becomes of the saga.
async fn decide(backend: &Store, saga: &SagaId, decision: &Decision) -> Result<&'static str, Failure> {
    let sagas = sagas(backend.clone());
    let decided = match decision {
        Decision::Retry { note, .. } => sagas.retry(saga, note.as_str()).await,
        Decision::Resume { output, note, .. } => sagas.resume(saga, output, note.as_str()).await,
        Decision::Compensate { reason, .. } => sagas.compensate(saga, reason.as_str()).await,
        Decision::Abandon { reason, .. } => sagas.abandon(saga, reason.as_str()).await,
    };
    let closed = backend.close().await;
    decided.inspect_err(|_| store::note_if_not_closed(&closed))?;
    let done = decision.done();
    match closed {
        Ok(()) => Ok(done),
        Err(source) => Err(Failure::DecidedNotClosed { saga: saga.clone(), done, source }),
    }
}

/// Reads the store, also in the middle of stepping in.
async fn look(
    location: &dyn Location,
    read: impl AsyncFnOnce(&dyn Location) -> Result<(), Failure>,
) -> Result<(), Failure> {
    match reading(location, read).await? {
        Exit::Done => Ok(()),
        exit => Err(Failure::Interrupted {
            what: "a look at the saga",
            exit,
            hint: "`sagas show TYPE ID` says where it is",
        }),
    }
}

impl Decision {
    fn which(&self) -> &Which {
        match self {
            Self::Retry { which, .. }
            | Self::Resume { which, .. }
            | Self::Compensate { which, .. }
            | Self::Abandon { which, .. } => which,
        }
    }

    /// What becomes of the saga by it.
    fn done(&self) -> &'static str {
        match self {
            Self::Retry { .. } => "is tried again",
            Self::Resume { .. } => "goes on",
            Self::Compensate { .. } => "turns round",
            Self::Abandon { .. } => "has ended as it is",
        }
    }
}

fn json_value(text: &str) -> Result<Value, String> {
    serde_json::from_str(text)
        .map_err(|error| format!("it is no JSON: {error}; a text stands in double quotes"))
}

impl Which {
    fn id(&self) -> Result<SagaId, Failure> {
        Ok(SagaId::new(&self.saga, &self.id)?)
    }
}

#[cfg(test)]
#[cfg(feature = "memory")]
mod tests {
    use eventstore_api::{Encoding, EventType, ExpectedVersion, NewEvent, StoreError, message_with_causes};
    use eventstore_memory::InMemoryBackend;

    use super::*;
    use crate::{
        notes::heard,
        store::erring::{Asked, Erring},
    };

    /// What comes of it where the store cannot be closed.
    async fn abandoned(saga: &SagaId) -> Result<&'static str, Failure> {
        let inner = InMemoryBackend::new();
        let started = r#"{"input":7,"version":1,"correlation_id":"c"}"#;
        let event = NewEvent::new(EventType::new("$saga.started").unwrap(), started);
        let events = vec![event.with_encoding(Encoding::JSON)];
        let bob = SagaId::new("trip", "bob").unwrap();
        inner.append(bob.stream(), ExpectedVersion::NoStream, events).await.unwrap();
        let store: Store = Erring::new(inner, |asked| match asked {
            Asked::Close => Some(StoreError::storage("no space left on device")),
            _ => None,
        });
        let which = Which { saga: saga.saga().to_owned(), id: saga.id().to_owned() };
        decide(&store, saga, &Decision::Abandon { which, reason: "late".to_owned() }).await
    }

    #[tokio::test]
    async fn a_decision_is_told_as_stored_where_its_store_cannot_be_closed() {
        let failure = abandoned(&SagaId::new("trip", "bob").unwrap()).await.unwrap_err();
        assert_eq!(
            message_with_causes(&failure),
            "trip-bob has ended as it is, and its store could not be closed: the storage failed: \
             no space left on device"
        );
    }

    #[tokio::test]
    async fn where_nothing_was_decided_that_is_the_failure_and_the_other_a_note() {
        heard::take();
        let failure = abandoned(&SagaId::new("trip", "ann").unwrap()).await.unwrap_err();
        assert_eq!(failure.to_string(), "there is no saga `trip-ann`");
        assert_eq!(
            heard::take(),
            ["note: the store could not be closed either: the storage failed: no space left on device"]
        );
    }
}
