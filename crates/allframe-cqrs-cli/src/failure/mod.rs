#[cfg(any(feature = "schemas", feature = "toolkit"))]
mod all_told;
mod hint;
mod of_a_store;

use std::{borrow::Cow, error::Error, io, io::Write, sync::Arc};

use eventstore_api::{EventId, ExpectedVersion, StoreError, message_with_causes};
use eventstore_migrate::MigrationError;
use serde::Serialize;

#[cfg(any(feature = "schemas", feature = "toolkit"))]
pub(crate) use self::all_told::all_told;
pub(crate) use self::hint::IMPORT_AGAIN;
use crate::{
    exit::Exit,
    redacted::{names_a_server, without_passwords},
    screen::{Colours, count, printable, printable_json},
    store::LEFT_OUT,
};

/// Why a command was not carried out, or not to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Usage(String),
    #[error("cannot open {what}")]
    Open { what: String, source: Box<dyn Error + Send + Sync>, hint: Option<&'static str> },
    #[error("cannot read {what}")]
    Read { what: String, source: io::Error },
    #[error("cannot write to {what}")]
    Write { what: String, source: io::Error },
    #[error("{what}")]
    System { what: &'static str, source: io::Error },
    /// A line of a file that cannot be taken.
    #[error("{place}")]
    BadLine { place: String, source: Box<dyn Error + Send + Sync> },
    /// A file that cannot be taken as a whole, or not from some part of it on.
    #[cfg(feature = "parquet")]
    #[error("{name}")]
    BadFile { name: String, source: eventstore_parquet::ParquetError },
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An import that has failed of this, and has stored lines before.
    #[error(transparent)]
    CutImport(Box<Failure>),
    /// An append that may have happened or not.
    #[error("it is not known whether event {id} is stored")]
    Append { id: EventId, source: StoreError },
    #[error("event {id} is appended, and its store could not be closed")]
    NotClosed { id: EventId, source: StoreError },
    #[error("event {id} is appended, and it could not be told")]
    NotTold { id: EventId, source: Box<Failure> },
    #[error("{store} could not be checked")]
    NotChecked { store: String, source: StoreError, hint: Option<&'static str> },
    #[error("stream `{0}` has no events")]
    NoSuchStream(eventstore_api::StreamId),
    #[error("{0}")]
    NoSuchThing(String),
    /// What there is of a name cannot be read, of which notes have said why.
    #[cfg(feature = "toolkit")]
    #[error("there are {0}, and none of them can be read")]
    NoneReadable(String),
    /// A store does not give back what it has acknowledged.
    #[error("{appended} events were appended, and {read} came back")]
    Lost { appended: u64, read: u64 },
    /// A store does not show all that it says it has.
    #[error("the export is not complete: the store counts {counted} events, and {exported} were found")]
    Incomplete { exported: u64, counted: u64 },
    /// A store may have more than it shows, and nobody is at work there who would show it.
    #[error("{} at the end of {store} {}", count(*events, "event"), LEFT_OUT)]
    Unproven { store: String, events: u64 },
    /// The same, and it was so when all of the rest had been read.
    #[error("{} at the end of {store} {}", count(*events, "event"), LEFT_OUT)]
    LeftBehind { store: String, events: u64 },
    /// The store is not as it was expected to be.
    #[error("{0}")]
    Conflict(String),
    #[error(transparent)]
    Migration(#[from] MigrationError),
    #[cfg(feature = "schemas")]
    #[error(transparent)]
    Schemas(#[from] allframe_cqrs::schema::SchemaError),
    #[cfg(feature = "schemas")]
    #[error("no schema of `{0}` is registered")]
    NoSchema(String),
    #[cfg(feature = "toolkit")]
    #[error(transparent)]
    Sagas(#[from] allframe_cqrs::saga::SagaError),
    #[cfg(feature = "toolkit")]
    #[error(transparent)]
    Toolkit(#[from] allframe_cqrs::Error),
    /// What a person has decided of a saga is stored.
    #[cfg(feature = "toolkit")]
    #[error("{saga} {done}, and its store could not be closed")]
    DecidedNotClosed { saga: allframe_cqrs::saga::SagaId, done: &'static str, source: StoreError },
    #[cfg(feature = "toolkit")]
    #[error("{saga} {done}, which is stored and could not be told")]
    DecidedNotTold { saga: allframe_cqrs::saga::SagaId, done: &'static str, source: Box<Failure> },
    #[cfg(feature = "toolkit")]
    #[error(transparent)]
    Groups(#[from] allframe_cqrs::consumer_group::GroupError),
    #[cfg(feature = "toolkit")]
    #[error(transparent)]
    Processes(#[from] allframe_cqrs::process::ProcessError),
    /// A signal has ended it before its end.
    #[error("{what} was interrupted")]
    Interrupted { what: &'static str, exit: Exit, hint: &'static str },
    /// Whoever read the output has seen enough.
    #[error("nobody reads the output")]
    NobodyReads,
}

/// For whom what went wrong is told.
#[derive(Clone, Copy)]
pub(crate) enum Listener {
    Person,
    Program,
}

/// A failure for programs.
#[derive(Serialize)]
struct Told {
    error: String,
    hint: Option<Cow<'static, str>>,
    kind: &'static str,
    exit_code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actual: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

impl Failure {
    /// A file cannot be opened.
    pub(crate) fn open(what: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Open { what: what.into(), source: source.into(), hint: None }
    }

    /// Says what went wrong on standard error, and to others with the exit code.
    pub(crate) fn tell(&self, listener: Listener) -> Exit {
        if matches!(self, Self::NobodyReads) {
            return Exit::Done;
        }
        let text = match listener {
            Listener::Person => self.for_people(),
            Listener::Program => self.for_programs(),
        };
        // If standard error is closed, the exit code is all that can be told.
        let _ = writeln!(io::stderr(), "{text}");
        self.exit()
    }

    /// What went wrong. A URL may stand where a file or a name belongs, and is found as it was written: not any more behind what escapes a
    /// quote or a line's end in it.
    fn message(&self) -> String {
        without_passwords(&message_with_causes(self))
    }

    fn for_people(&self) -> String {
        let colours = Colours::of_stderr();
        let message: Vec<_> = self.message().lines().map(printable).collect();
        let mut text = format!("{} {}", colours.bad("error:"), message.join("\n"));
        if let Some(hint) = self.hint() {
            text += &format!("\n{} {hint}", colours.dim("hint:"));
        }
        text
    }

    fn for_programs(&self) -> String {
        let exit = self.exit();
        let mut told = Told {
            error: self.message(),
            hint: self.hint(),
            kind: exit.name(),
            exit_code: exit.code(),
            stream: None,
            expected: None,
            actual: None,
            id: None,
        };
        if let Self::Append { id, .. } | Self::NotClosed { id, .. } | Self::NotTold { id, .. } = self {
            told.id = Some(id.to_string());
        }
        if let Some(StoreError::WrongExpectedVersion { stream, expected, actual }) = self.of_a_store() {
            told.stream = Some(match stream.as_str() {
                url if names_a_server(url) => without_passwords(url),
                // A program goes on with it: it is as it was said, whatever it looks like.
                name => name.to_owned(),
            });
            told.expected = Some(match expected {
                ExpectedVersion::Any => "any".to_owned(),
                ExpectedVersion::NoStream => "none".to_owned(),
                ExpectedVersion::StreamExists => "exists".to_owned(),
                ExpectedVersion::Exact(version) => version.to_string(),
            });
            told.actual = Some(actual.get());
        }
        // Made of text and numbers, which can be written.
        printable_json(&serde_json::to_string(&told).unwrap_or_default()).into_owned()
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) | Self::NotChecked { .. } | Self::Unproven { .. } => Exit::NotBegun,
            Self::Open { source, .. } if !is_damage(&**source) => Exit::NotBegun,
            Self::Conflict(_) => Exit::Conflict,
            Self::CutImport(failure) => failure.exit(),
            Self::Interrupted { exit, .. } => *exit,
            #[cfg(feature = "toolkit")]
            Self::Sagas(allframe_cqrs::saga::SagaError::NotNow { .. }) => Exit::Conflict,
            #[cfg(feature = "toolkit")]
            Self::Sagas(allframe_cqrs::saga::SagaError::InvalidName { .. }) => Exit::NotBegun,
            #[cfg(feature = "toolkit")]
            Self::Processes(
                allframe_cqrs::process::ProcessError::InvalidName { .. }
                | allframe_cqrs::process::ProcessError::InvalidKey { .. },
            ) => Exit::NotBegun,
            // Of what is only read, a name alone can be wrong.
            #[cfg(feature = "toolkit")]
            Self::Toolkit(allframe_cqrs::Error::Store(StoreError::InvalidInput(_))) => Exit::NotBegun,
            #[cfg(feature = "schemas")]
            Self::Schemas(allframe_cqrs::schema::SchemaError::Store(StoreError::InvalidInput(_))) => {
                Exit::NotBegun
            }
            other => match other.of_a_store() {
                Some(StoreError::WrongExpectedVersion { .. } | StoreError::ConditionFailed { .. }) => {
                    Exit::Conflict
                }
                _ => Exit::Failed,
            },
        }
    }
}

/// What was to be told, of something that the exit code tells too: also where nobody reads the one, the other counts.
pub(crate) fn heard_or_not(told: Result<(), Failure>) -> Result<(), Failure> {
    match told {
        Err(Failure::NobodyReads) => Ok(()),
        told => told,
    }
}

/// What was to be told of something that is stored: where it cannot be, that it is stored is in the failure.
pub(crate) fn told_or(
    told: Result<(), Failure>,
    stored: impl FnOnce(Box<Failure>) -> Failure,
) -> Result<(), Failure> {
    told.map_err(|failure| match failure {
        // Whoever does not listen does not want to know.
        Failure::NobodyReads => failure,
        failure => stored(Box::new(failure)),
    })
}

/// What the system has said, as far as an error came from that. Who has failed may share it with whoever else waits.
pub(crate) fn of_the_system<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e io::Error> {
    causes(error).filter_map(|cause| {
        let shared = || cause.downcast_ref::<Arc<io::Error>>().map(|error| &**error);
        cause.downcast_ref::<io::Error>().or_else(shared)
    })
}

/// What an error came from, one after the other, and itself first.
pub(crate) fn causes<'e>(
    error: &'e (dyn Error + 'static),
) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause| (*cause).source())
}

fn is_damage(error: &(dyn Error + 'static)) -> bool {
    matches!(error.downcast_ref::<StoreError>(), Some(StoreError::Corrupted { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_an_event_that_may_be_stored_is_told_so_that_it_can_be_appended_again() {
        let id: EventId = "00000000-0000-7000-8000-00000000000a".parse().unwrap();
        let failure = Failure::Append { id, source: StoreError::outcome_unknown("the line went dead") };
        let told: serde_json::Value = serde_json::from_str(&failure.for_programs()).unwrap();
        assert_eq!((told["id"].as_str(), told["exit_code"].as_u64()), (Some(&*id.to_string()), Some(1)));
        assert!(told["hint"].as_str().unwrap().contains(&format!("--id {id}")), "{told}");
        assert!(failure.for_people().contains(&format!("--id {id}")));
    }

    #[test]
    fn the_name_of_a_stream_is_told_as_it_is_unless_it_is_a_url() {
        for (name, expected) in [
            ("boarding-pass=7A", "boarding-pass=7A"),
            ("größe=5", "größe=5"),
            ("customer:ann@shop.org", "customer:ann@shop.org"),
            ("postgres://ann:secret@h/db", "postgres://ann:***@h/db"),
        ] {
            let failure = Failure::Store(StoreError::WrongExpectedVersion {
                stream: eventstore_api::StreamId::new(name).unwrap(),
                expected: ExpectedVersion::NoStream,
                actual: eventstore_api::Version::new(1),
            });
            let told: serde_json::Value = serde_json::from_str(&failure.for_programs()).unwrap();
            assert_eq!(told["stream"].as_str(), Some(expected));
        }
    }
}
