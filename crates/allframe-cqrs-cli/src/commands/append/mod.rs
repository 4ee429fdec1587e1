mod once;
mod payload;

use std::{collections::HashSet, path::PathBuf, str::FromStr};

use clap::{ArgGroup, Args};
use eventstore_api::{
    AppendBatch, Appended, Encoding, EventId, EventType, ExpectedVersion, InvalidInput, Metadata, NewEvent,
    StreamId, Tags, Version,
};
use serde::Serialize;

use self::{once::append, payload::payload};
use crate::{
    failure::{Failure, told_or},
    output::Output,
    screen::printable,
    store::{self, Location},
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
    let report = Report { stream: stream.as_str(), version, position, id: id.to_string() };
    told_or(report.tell(*json), |source| Failure::NotTold { id, source })
}

impl Report<'_> {
    fn tell(&self, json: bool) -> Result<(), Failure> {
        let mut output = Output::stdout();
        if json {
            output.json(self)?;
        } else {
            let Self { version, position, id, .. } = self;
            let stream = printable(self.stream);
            output.line(format!("appended {stream} {version}, position {position}, id {id}"))?;
        }
        output.finish()
    }
}

fn event(arguments: &AppendArguments) -> Result<NewEvent, Failure> {
    let illegal = |wrong: InvalidInput| Failure::Usage(wrong.to_string());
    let payload = payload(arguments.data.as_deref(), arguments.data_file.as_deref())?;
    let event_type = arguments.event_type.clone();
    let event = match arguments.id {
        Some(id) => NewEvent::identified(id, event_type, payload),
        None => NewEvent::new(event_type, payload),
    };
    if let Some(name) = said_twice(&arguments.metadata) {
        return Err(Failure::Usage(format!("--metadata has the name `{name}` twice")));
    }
    let metadata = arguments.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Ok(event
        .with_encoding(Encoding::JSON)
        .with_schema_version(arguments.schema_version)
        .with_metadata(Metadata::from_stored(metadata).map_err(illegal)?)
        .with_tags(Tags::parse(arguments.tags.clone()).map_err(illegal)?))
}

/// Of a name that comes twice nobody could say which value is meant.
fn said_twice(metadata: &[(String, String)]) -> Option<&str> {
    let mut names = HashSet::new();
    metadata.iter().map(|(name, _)| name.as_str()).find(|name| !names.insert(*name))
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
