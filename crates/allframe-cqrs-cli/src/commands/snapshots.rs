use clap::Args;
use eventstore_api::{Snapshot, SnapshotStreams, StreamId};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    failure::Failure,
    jsonl::{base64, json_text},
    output::Output,
    screen::{Colours, Column, Table, count, payload_lines, printable},
    store::{self, Location, Store},
};

/// List the snapshots, or show that of a stream
#[derive(Args)]
pub(crate) struct SnapshotsArguments {
    /// The stream whose snapshot is shown, with its content
    stream: Option<StreamId>,

    /// Only of the streams whose names begin so
    #[arg(long, value_name = "PREFIX", conflicts_with = "stream")]
    prefix: Option<String>,

    /// Print one line of JSON for each
    #[arg(long)]
    pub(crate) json: bool,
}

/// A snapshot, in the list without its content.
#[derive(Serialize)]
struct Report<'s> {
    stream: &'s str,
    version: u64,
    #[serde(rename = "type")]
    state_type: &'s str,
    schema_version: u32,
    encoding: u8,
    bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
}

pub(crate) async fn run(location: &dyn Location, arguments: SnapshotsArguments) -> Result<(), Failure> {
    let SnapshotsArguments { stream, prefix, json } = arguments;
    let store = store::open_for_reading(location).await?;
    match stream {
        Some(stream) => show(&store, stream, json).await,
        None => list(&store, prefix.as_deref().unwrap_or_default(), json).await,
    }
}

async fn list(store: &Store, prefix: &str, json: bool) -> Result<(), Failure> {
    let mut table = Table::new([
        Column::Text("STREAM"),
        Column::Number("VERSION"),
        Column::Text("TYPE"),
        Column::Number("SCHEMA"),
        Column::Text("ENCODING"),
        Column::Number("BYTES"),
    ]);
    let mut output = Output::stdout();
    let (mut streams, mut any) = (SnapshotStreams::of(store), false);
    while let Some(stream) = streams.next().await? {
        if !stream.as_str().starts_with(prefix) {
            continue;
        }
        let Some(snapshot) = store.get_latest_snapshot(&stream).await? else { continue };
        any = true;
        if json {
            output.json(&Report::of(&snapshot))?;
            continue;
        }
        table.row([
            snapshot.stream.to_string(),
            snapshot.version.to_string(),
            snapshot.state_type.to_string(),
            snapshot.schema_version.to_string(),
            snapshot.encoding.to_string(),
            snapshot.payload.len().to_string(),
        ]);
    }
    if !any && !json {
        output.line("there are no such snapshots")?;
    }
    output.lines(table.lines(Colours::of_stdout()))?;
    output.finish()
}

async fn show(store: &Store, stream: StreamId, json: bool) -> Result<(), Failure> {
    const MAX_LINES: usize = 400;
    const MAX_CHARACTERS: usize = 200;
    let Some(snapshot) = store.get_latest_snapshot(&stream).await? else {
        return Err(Failure::NoSuchThing(format!(
            "there is no snapshot of `{stream}`; `snapshots` lists those there are"
        )));
    };
    let mut output = Output::stdout();
    if json {
        output.json(&Report::with_content(&snapshot))?;
        return output.finish();
    }
    output.line(format!(
        "{}: version {}, {} (schema version {}), {} of {}",
        Colours::of_stdout().strong(printable(stream.as_str())),
        snapshot.version,
        printable(snapshot.state_type.as_str()),
        snapshot.schema_version,
        count(snapshot.payload.len() as u64, "byte"),
        snapshot.encoding
    ))?;
    output.lines(payload_lines(&snapshot.payload, snapshot.encoding, MAX_LINES, MAX_CHARACTERS))?;
    output.finish()
}

impl<'s> Report<'s> {
    fn of(snapshot: &'s Snapshot) -> Self {
        Self {
            stream: snapshot.stream.as_str(),
            version: snapshot.version.get(),
            state_type: snapshot.state_type.as_str(),
            schema_version: snapshot.schema_version,
            encoding: snapshot.encoding.get(),
            bytes: snapshot.payload.len(),
            data: None,
            data_base64: None,
        }
    }

    fn with_content(snapshot: &'s Snapshot) -> Self {
        let data = json_text::of_payload(&snapshot.payload, snapshot.encoding);
        Self {
            data_base64: data.is_none().then(|| base64::encode(&snapshot.payload)),
            data,
            ..Self::of(snapshot)
        }
    }
}
