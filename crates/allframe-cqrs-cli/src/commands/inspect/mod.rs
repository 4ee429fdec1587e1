mod overview;

use clap::Args;
use eventstore_api::{EventStoreBackend, RecordedEvent, Snapshot, StreamId, StreamRange, Tag};

use self::overview::Overview;
use crate::{
    failure::Failure,
    jsonl::Rfc3339,
    output::Output,
    page::PAGE_BYTES,
    screen::{self, Colours, count, printable, width},
    store::{self, Location},
};

/// Show the events of a stream: first when there were events and of which types, and its snapshot
#[derive(Args)]
pub(crate) struct InspectArguments {
    /// The name of the stream
    pub(crate) stream: StreamId,

    /// Print the events as export does
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) async fn run(location: &dyn Location, arguments: InspectArguments) -> Result<(), Failure> {
    let InspectArguments { stream, json } = arguments;
    let store = store::open_for_reading(location).await?;
    let last = store.read_stream(&stream, StreamRange::backward().limit(1)).await?;
    let Some(last) = last.events.first().map(|event| event.version) else {
        return Err(Failure::NoSuchStream(stream));
    };
    let mut output = Output::stdout();
    let colours = Colours::of_stdout();
    if !json {
        let name = colours.strong(printable(stream.as_str()));
        let overview = Overview::of(&store, &stream, last).await?;
        output.line(format!("{name}: {}", count(overview.events(), "event")))?;
        if let Some(snapshot) = store.get_latest_snapshot(&stream).await? {
            output.line(about_snapshot(&snapshot))?;
        }
        output.lines(overview.lines(width(), colours))?;
    }
    // Events that are appended meanwhile are left out.
    let mut range = StreamRange::all().max_bytes(PAGE_BYTES);
    loop {
        let page = store.read_stream(&stream, range).await?;
        for event in page.events.iter().take_while(|event| event.version <= last) {
            if json {
                output.event(event)?;
            } else {
                show(event, colours, &mut output)?;
            }
        }
        range = range.next_page(&page);
        if page.end_reached || range.after >= last {
            return output.finish();
        }
    }
}

fn about_snapshot(snapshot: &Snapshot) -> String {
    format!(
        "snapshot of version {}: {}, {} of {}",
        snapshot.version,
        printable(snapshot.state_type.as_str()),
        count(snapshot.payload.len() as u64, "byte"),
        snapshot.encoding
    )
}

fn show(event: &RecordedEvent, colours: Colours, output: &mut Output) -> Result<(), Failure> {
    const MAX_LINES: usize = 40;
    const MAX_CHARACTERS: usize = 200;

    output.line(format!(
        "\n{}  {}  {}",
        event.version,
        colours.strong(printable(event.event_type.as_str())),
        colours.dim(Rfc3339(event.recorded_at))
    ))?;
    output.line(format!(
        "    position {}, id {}, schema version {}, {} of {}",
        event.position,
        event.id,
        event.schema_version,
        count(event.payload.len() as u64, "byte"),
        event.encoding
    ))?;
    if !event.tags.is_empty() {
        let tags: Vec<&str> = event.tags.iter().map(Tag::as_str).collect();
        output.line(format!("    tags {}", printable(&tags.join(", "))))?;
    }
    for (name, value) in event.metadata.iter() {
        output.line(format!(
            "    {}: {}",
            printable(name),
            screen::capped(&printable(value), MAX_CHARACTERS)
        ))?;
    }
    for line in screen::pretty(event, MAX_LINES, MAX_CHARACTERS) {
        output.line(format!("    {line}"))?;
    }
    Ok(())
}
