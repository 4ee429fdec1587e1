use std::collections::HashMap;

use clap::Args;
use eventstore_api::{EventFilter, ReadAll, RecordedEvent, StreamId, Timestamp};
use serde::Serialize;

use crate::{
    failure::Failure,
    jsonl::Rfc3339,
    output::Output,
    page::each_event,
    progress::Progress,
    screen::{Colours, Column, Table},
    store::{self, Location},
};

/// List the streams, by their names: how many events each has, when the first and the last were recorded, and where the
/// last is
///
/// Every event is read for it, once; what is remembered is a line for each stream.
#[derive(Args)]
pub(crate) struct StreamsArguments {
    /// Only the streams whose names begin so
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,

    /// A line for each category instead: what stands before the first `-` of a stream's name
    #[arg(long)]
    category: bool,

    /// Print one line of JSON for each
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is known of a stream.
struct Seen {
    events: u64,
    version: u64,
    first: Timestamp,
    last: Timestamp,
    position: u64,
}

#[derive(Serialize)]
struct Stream<'s> {
    stream: &'s str,
    events: u64,
    version: u64,
    first_recorded_at: Rfc3339,
    last_recorded_at: Rfc3339,
    last_position: u64,
}

#[derive(Serialize)]
struct Category<'s> {
    category: &'s str,
    streams: u64,
    events: u64,
    first_recorded_at: Rfc3339,
    last_recorded_at: Rfc3339,
    last_position: u64,
}

pub(crate) async fn run(location: &dyn Location, arguments: StreamsArguments) -> Result<(), Failure> {
    let StreamsArguments { prefix, category, json } = arguments;
    let filter = prefix.map_or_else(EventFilter::all, EventFilter::stream_prefix);
    // A prefix that is longer than any name is wrong usage, as it is of `tail`.
    filter.validate().map_err(|wrong| Failure::Usage(wrong.to_string()))?;
    let store = store::open_for_reading(location).await?;
    let mut streams: HashMap<StreamId, Seen> = HashMap::new();
    let mut progress = Progress::unknown();
    each_event(&store, ReadAll::forward().filter(filter), &mut progress, |event| {
        match streams.get_mut(&event.stream) {
            Some(seen) => seen.see(&event),
            None => {
                streams.insert(event.stream.clone(), Seen::first(&event));
            }
        }
        Ok(())
    })
    .await?;
    drop(progress);

    let mut streams: Vec<(StreamId, Seen)> = streams.into_iter().collect();
    streams.sort_unstable_by(|(stream, _), (other, _)| stream.as_str().cmp(other.as_str()));
    match category {
        true => print_categories(&streams, json),
        false => print_streams(&streams, json),
    }
}

impl Seen {
    fn first(event: &RecordedEvent) -> Self {
        Self {
            events: 1,
            version: event.version.get(),
            first: event.recorded_at,
            last: event.recorded_at,
            position: event.position.get(),
        }
    }

    fn see(&mut self, event: &RecordedEvent) {
        self.events += 1;
        self.version = event.version.get();
        self.last = event.recorded_at;
        self.position = event.position.get();
    }
}

fn print_streams(streams: &[(StreamId, Seen)], json: bool) -> Result<(), Failure> {
    let mut output = Output::stdout();
    let mut table = Table::new([
        Column::Text("STREAM"),
        Column::Number("EVENTS"),
        Column::Text("FIRST"),
        Column::Text("LAST"),
        Column::Number("LAST POSITION"),
    ]);
    for (stream, seen) in streams {
        if json {
            output.json(&Stream {
                stream: stream.as_str(),
                events: seen.events,
                version: seen.version,
                first_recorded_at: Rfc3339(seen.first),
                last_recorded_at: Rfc3339(seen.last),
                last_position: seen.position,
            })?;
        } else {
            table.row([
                stream.to_string(),
                seen.events.to_string(),
                Rfc3339(seen.first).to_string(),
                Rfc3339(seen.last).to_string(),
                seen.position.to_string(),
            ]);
        }
    }
    print_table(output, &table, streams.is_empty() && !json)
}

/// Or that there is nothing in it, to people.
fn print_table(mut output: Output, table: &Table, is_empty: bool) -> Result<(), Failure> {
    if is_empty {
        output.line("there are no such streams")?;
    }
    output.lines(table.lines(Colours::of_stdout()))?;
    output.finish()
}

/// Of streams in the order of their names, so that those of a category follow each other, or nearly.
fn print_categories(streams: &[(StreamId, Seen)], json: bool) -> Result<(), Failure> {
    let mut categories: std::collections::BTreeMap<&str, Category<'_>> = std::collections::BTreeMap::new();
    for (stream, seen) in streams {
        let name = stream.category();
        let category = categories.entry(name).or_insert(Category {
            category: name,
            streams: 0,
            events: 0,
            first_recorded_at: Rfc3339(seen.first),
            last_recorded_at: Rfc3339(seen.last),
            last_position: 0,
        });
        category.streams += 1;
        category.events += seen.events;
        category.first_recorded_at.0 = category.first_recorded_at.0.min(seen.first);
        category.last_recorded_at.0 = category.last_recorded_at.0.max(seen.last);
        category.last_position = category.last_position.max(seen.position);
    }
    let mut output = Output::stdout();
    let mut table = Table::new([
        Column::Text("CATEGORY"),
        Column::Number("STREAMS"),
        Column::Number("EVENTS"),
        Column::Text("FIRST"),
        Column::Text("LAST"),
        Column::Number("LAST POSITION"),
    ]);
    for category in categories.into_values() {
        if json {
            output.json(&category)?;
        } else {
            table.row([
                category.category.to_owned(),
                category.streams.to_string(),
                category.events.to_string(),
                category.first_recorded_at.to_string(),
                category.last_recorded_at.to_string(),
                category.last_position.to_string(),
            ]);
        }
    }
    print_table(output, &table, streams.is_empty() && !json)
}
