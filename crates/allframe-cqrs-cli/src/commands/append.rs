use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::{ArgGroup, Args};
use eventstore_api::{
    AppendBatch, Appended, Encoding, EventId, EventStoreBackend, EventType, ExpectedVersion, Metadata,
    NewEvent, Result as StoreResult, StoreError, StreamId, Tags, Version,
};
use serde::Serialize;

use super::import::LONGEST_LINE;
use crate::{
    aside::note,
    failure::Failure,
    jsonl::json_text,
    output::Output,
    screen::printable,
    store::{self, Location, Store, append_surely},
};

/// Append one event to a stream, durably
///
/// It is durable when this says so. Where the stream is not at the version that is expected, nothing is appended, and the exit
/// code is 3. With an id it is safe to do again: the event is stored once, and the answer is the first one.
///
/// Opens the store for writing, and begins it where there is none: no other process may have a `wal:` or `rocksdb:` store open so.
#[derive(Args)]
#[command(group = ArgGroup::new("payload").args(["data", "data_file"]))]
pub(crate) struct AppendArguments {
    /// The name of the stream
    stream: StreamId,

    /// The type of the event
    #[arg(value_name = "TYPE")]
    event_type: EventType,

    /// The payload, any JSON; `{}` where none is said
    #[arg(long, value_name = "JSON")]
    data: Option<String>,

    /// The file with the payload; `-` is standard input
    #[arg(long, value_name = "FILE")]
    data_file: Option<PathBuf>,

    /// Which version the stream has to be at: a number, `none` where it must not exist, `exists`, or `any`
    #[arg(long, value_name = "VERSION", default_value = "any")]
    expected: Expected,

    /// The id of the event, a UUID; one is made where none is said
    #[arg(long, value_name = "UUID")]
    id: Option<EventId>,

    /// Something to keep beside the payload; as often as needed
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    metadata: Vec<(String, String)>,

    /// A tag by which events are found; as often as needed
    #[arg(long = "tag", value_name = "KEY:VALUE")]
    tags: Vec<String>,

    /// Which version of its type's schema the payload follows
    #[arg(long, value_name = "N", default_value_t = 1)]
    schema_version: u32,

    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy)]
struct Expected(ExpectedVersion);

#[derive(Serialize)]
struct Report<'a> {
    stream: &'a str,
    version: u64,
    position: u64,
    id: String,
}

pub(crate) async fn run(location: &dyn Location, arguments: AppendArguments) -> Result<(), Failure> {
    let AppendArguments { stream, expected, json, .. } = &arguments;
    let event = event(&arguments)?;
    let id = event.id;
    let batch = AppendBatch::single(stream.clone(), expected.0, vec![event]);
    // Before the store is opened, which may begin it.
    batch.validate().map_err(|wrong| Failure::Usage(wrong.to_string()))?;

    let store = store::open_for_appending(location).await?;
    let Appended { last_version, last_position, .. } = append(&store, id, batch).await?;

    let (version, position) = (last_version.get(), last_position.get());
    let mut output = Output::stdout();
    if *json {
        output.json(&Report { stream: stream.as_str(), version, position, id: id.to_string() })?;
    } else {
        let stream = printable(stream.as_str());
        output.line(format!("appended {stream} {version}, position {position}, id {id}"))?;
    }
    output.finish()
}

/// Appends one event, and closes the store. Where it may be stored, and that is not certain, its id is in the failure: whoever appends it
/// again without gets another one.
async fn append(store: &Store, id: EventId, batch: AppendBatch) -> Result<Appended, Failure> {
    let mut is_known = true;
    let appended = append_surely(async || {
        let answer = store.append_all(batch.clone()).await;
        let was_known = is_known;
        is_known = is_known_after(&answer, was_known);
        if was_known && !is_known {
            // Now: a signal may end it before there is an answer.
            note(&format!("it is not known whether event {id} is stored, trying again"));
        }
        answer
    })
    .await;
    let closed = store.close().await;
    match appended.and_then(Appended::only).inspect_err(|_| store::note_if_not_closed(&closed)) {
        Ok(appended) => match closed {
            Ok(()) => Ok(appended),
            Err(source) => Err(Failure::NotClosed { id, source }),
        },
        Err(source) if !is_known => Err(Failure::Append { id, source }),
        Err(error) => Err(error.into()),
    }
}

/// Whether it is known by now if the event is stored. A store that only cannot do anything says nothing of what it did before.
fn is_known_after<T>(answer: &StoreResult<T>, was_known: bool) -> bool {
    match answer {
        Ok(_)
        | Err(
            StoreError::WrongExpectedVersion { .. }
            | StoreError::ConditionFailed { .. }
            | StoreError::InvalidInput(_),
        ) => true,
        Err(error) => was_known && error.outcome_is_known(),
    }
}

fn event(arguments: &AppendArguments) -> Result<NewEvent, Failure> {
    let illegal = |wrong: eventstore_api::InvalidInput| Failure::Usage(wrong.to_string());
    let payload = payload(arguments.data.as_deref(), arguments.data_file.as_deref())?;
    let event_type = arguments.event_type.clone();
    let event = match arguments.id {
        Some(id) => NewEvent::identified(id, event_type, payload),
        None => NewEvent::new(event_type, payload),
    };
    let metadata = arguments.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Ok(event
        .with_encoding(Encoding::JSON)
        .with_schema_version(arguments.schema_version)
        .with_metadata(Metadata::from_stored(metadata).map_err(illegal)?)
        .with_tags(Tags::parse(arguments.tags.clone()).map_err(illegal)?))
}

/// JSON as it is stored: without white space between its parts, as import stores it.
fn payload(data: Option<&str>, file: Option<&Path>) -> Result<Vec<u8>, Failure> {
    let (from, bytes) = match (data, file) {
        (Some(data), _) => ("--data".to_owned(), data.as_bytes().to_vec()),
        (None, Some(file)) if file == Path::new("-") => {
            let name = "standard input".to_owned();
            let bytes = beginning(io::stdin());
            let bytes = bytes.map_err(|source| Failure::Read { what: name.clone(), source })?;
            (name, bytes)
        }
        (None, Some(file)) => {
            let name = file.display().to_string();
            let bytes = File::open(file).and_then(beginning);
            let bytes = bytes.map_err(|error| Failure::open(name.clone(), error))?;
            (name, bytes)
        }
        (None, None) => ("the payload".to_owned(), b"{}".to_vec()),
    };
    if bytes.len() > LONGEST_LINE {
        return Err(Failure::Usage(format!("{from} is longer than {LONGEST_LINE} bytes")));
    }
    match json_text::parse(&bytes) {
        Some(json) => Ok(json_text::compact(json).into_bytes()),
        None => Err(Failure::Usage(format!(
            "{from} is no JSON; a text stands in double quotes, and a payload that is no JSON is taken by import, as data_base64"
        ))),
    }
}

/// All of it, or as much as tells that it is too long: what is read may have no end.
fn beginning(input: impl Read) -> io::Result<Vec<u8>> {
    const LIMIT: u64 = LONGEST_LINE as u64 + 1;
    let mut bytes = Vec::new();
    input.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl FromStr for Expected {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self(match text {
            "any" => ExpectedVersion::Any,
            "none" | "0" => ExpectedVersion::NoStream,
            "exists" => ExpectedVersion::StreamExists,
            number => match number.parse() {
                Ok(version) => ExpectedVersion::Exact(Version::new(version)),
                Err(_) => {
                    return Err("it is a version, a number from 0, or `any`, `none` or `exists`".to_owned());
                }
            },
        }))
    }
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it is written NAME=VALUE".to_owned()),
    }
}

#[cfg(test)]
#[cfg(feature = "memory")]
mod tests {
    use eventstore_api::message_with_causes;
    use eventstore_memory::InMemoryBackend;

    use super::*;
    use crate::{
        aside::heard,
        store::erring::{Asked, Erring},
    };

    /// What an append comes to on a store with this fault, and how many events are there then.
    async fn appended(fault: fn(Asked) -> Option<StoreError>) -> (EventId, Result<Appended, Failure>, usize) {
        let (id, answer, there, _) = appended_with_notes(fault).await;
        (id, answer, there)
    }

    /// The same, and what is told meanwhile.
    async fn appended_with_notes(
        fault: fn(Asked) -> Option<StoreError>,
    ) -> (EventId, Result<Appended, Failure>, usize, Vec<String>) {
        heard::take();
        let inner = InMemoryBackend::new();
        let store: Store = Erring::new(inner.clone(), fault);
        let event = NewEvent::new(EventType::new("T").unwrap(), "1");
        let id = event.id;
        let batch = AppendBatch::single(StreamId::new("s").unwrap(), ExpectedVersion::NoStream, vec![event]);
        let answer = append(&store, id, batch).await;
        (id, answer, inner.get_all_events().await.unwrap().len(), heard::take())
    }

    #[tokio::test]
    async fn where_an_answer_is_lost_the_same_event_is_appended_again() {
        let (_, answer, there) = appended(|asked| match asked {
            Asked::Append(0) => Some(StoreError::outcome_unknown("the line went dead")),
            _ => None,
        })
        .await;
        assert_eq!((answer.unwrap().last_version, there), (Version::new(1), 1));
    }

    #[tokio::test]
    async fn the_id_is_told_once_before_an_event_is_appended_again() {
        let (id, answer, _, notes) = appended_with_notes(|asked| match asked {
            Asked::Append(0) => Some(StoreError::unavailable("the server restarts")),
            Asked::Append(1 | 2) => Some(StoreError::outcome_unknown("the line went dead")),
            _ => None,
        })
        .await;
        answer.unwrap();
        assert_eq!(notes, [format!("note: it is not known whether event {id} is stored, trying again")]);
    }

    #[tokio::test]
    async fn an_event_that_is_stored_at_once_is_told_alone() {
        let (_, answer, _, notes) = appended_with_notes(|_| None).await;
        answer.unwrap();
        assert!(notes.is_empty(), "{notes:?}");
    }

    #[tokio::test]
    async fn an_event_of_which_it_is_not_known_whether_it_is_stored_is_named() {
        let (id, answer, _) = appended(|asked| match asked {
            Asked::Append(0) => Some(StoreError::outcome_unknown("the line went dead")),
            // Of the first time it knows nothing.
            Asked::Append(_) => Some(StoreError::Closed),
            _ => None,
        })
        .await;
        let failure = answer.unwrap_err();
        assert!(matches!(failure, Failure::Append { id: told, .. } if told == id));
        assert_eq!(
            message_with_causes(&failure),
            format!("it is not known whether event {id} is stored: the store is closed; open it again")
        );
    }

    #[tokio::test]
    async fn an_event_whose_store_cannot_be_closed_is_named() {
        let (id, answer, there) = appended(|asked| match asked {
            Asked::Close => Some(StoreError::storage("no space left on device")),
            _ => None,
        })
        .await;
        assert_eq!(
            (message_with_causes(&answer.unwrap_err()), there),
            (
                format!(
                    "event {id} is appended, and its store could not be closed: the storage failed: no space left on device"
                ),
                1
            )
        );
    }

    #[tokio::test]
    async fn what_a_store_has_refused_is_not_stored() {
        let (_, answer, _) = appended(|asked| match asked {
            Asked::Append(0) => Some(StoreError::outcome_unknown("the line went dead")),
            Asked::Append(_) => Some(StoreError::WrongExpectedVersion {
                stream: StreamId::new("s").unwrap(),
                expected: ExpectedVersion::NoStream,
                actual: Version::new(1),
            }),
            _ => None,
        })
        .await;
        assert!(matches!(answer, Err(Failure::Store(StoreError::WrongExpectedVersion { .. }))));
    }
}
