use std::time::Duration;

use clap::Args;
use eventstore_api::{
    Criterion, EventFilter, EventStoreBackend, EventType, GlobalPosition, InvalidInput, Page, ReadAll,
    RecordedEvent, StoreError, Tags, message_with_causes,
};

use crate::{
    failure::Failure,
    jsonl::Rfc3339,
    notes::note,
    output::Output,
    page::{PAGE_BYTES, PAGE_EVENTS},
    screen::{self, Colours},
    store::{self, Location, Store},
    unread::nobody_reads,
};

/// Show the last events of the store, and with `--follow` those that come
///
/// The store itself looks for the events that are asked for, by its indexes where it has some. Of several types, and of several
/// prefixes, an event needs one; of several tags it needs all.
#[derive(Args)]
pub(crate) struct TailArguments {
    /// How many events
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    last: usize,

    /// All events after this position instead
    #[arg(long, value_name = "POSITION", conflicts_with = "last")]
    after: Option<u64>,

    /// Only events of this type; as often as needed
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<EventType>,

    /// Only events of streams whose names begin so; as often as needed
    #[arg(long = "prefix", value_name = "PREFIX")]
    prefixes: Vec<String>,

    /// Only events with this tag; as often as needed
    #[arg(long = "tag", value_name = "KEY:VALUE")]
    tags: Vec<String>,

    /// Go on with those that come, until interrupted; also when a server is away for a while
    #[arg(long, short)]
    follow: bool,

    /// Print the events as export does
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) async fn run(location: &dyn Location, arguments: TailArguments) -> Result<(), Failure> {
    let filter = arguments.filter()?;
    let TailArguments { last, after, follow, json, .. } = arguments;
    let store = store::open_for_reading(location).await?;
    let (mut output, colours) = (Output::stdout(), Colours::of_stdout());
    let begin = match after {
        Some(position) => GlobalPosition::new(position),
        None => before_the_last(&store, &filter, last).await?,
    };
    let mut query = ReadAll::after(begin).filter(filter).limit(PAGE_EVENTS).max_bytes(PAGE_BYTES);
    loop {
        let page = if follow { next_page(&store, &query).await? } else { store.read_all(&query).await? };
        for event in &page.events {
            if json {
                output.event(event)?;
            } else {
                output.line(line(event, colours))?;
            }
        }
        query = query.next_page(&page);
        if page.end_reached {
            output.flush()?;
            if !follow {
                return Ok(());
            }
            tokio::select! {
                waited = store.wait_past(query.after) => {
                    waited?;
                }
                () = nobody_reads() => return Err(Failure::NobodyReads),
            }
        }
    }
}

impl TailArguments {
    fn filter(&self) -> Result<EventFilter, Failure> {
        let illegal = |wrong: InvalidInput| Failure::Usage(wrong.to_string());
        let tags = Tags::parse(self.tags.clone()).map_err(illegal)?;
        let mut criterion = Criterion::new().tags(tags);
        if !self.types.is_empty() {
            criterion = criterion.types(self.types.clone());
        }
        let filter = match self.prefixes.as_slice() {
            [] => EventFilter::any_of([criterion]),
            prefixes => {
                let criteria = prefixes.iter().map(|prefix| criterion.clone().stream_prefix(prefix.as_str()));
                EventFilter::any_of(criteria)
            }
        };
        filter.validate().map_err(illegal)?;
        // Not a filter that lets everything through: a store reads faster without.
        Ok(if filter.is_all() { EventFilter::all() } else { filter })
    }
}

/// Whoever follows a store stays when its server is away for a while.
async fn next_page(store: &Store, query: &ReadAll) -> Result<Page, StoreError> {
    const PAUSE: Duration = Duration::from_millis(500);
    let mut is_told = false;
    loop {
        match store.read_all(query).await {
            Err(error) if error.is_retryable() => {
                if !is_told {
                    note(&format!("trying again: {}", message_with_causes(&error)));
                    is_told = true;
                }
                tokio::time::sleep(PAUSE).await;
            }
            answer => return answer,
        }
    }
}

/// The position after which there are so many events, or all of them.
async fn before_the_last(
    store: &Store,
    filter: &EventFilter,
    mut events: usize,
) -> Result<GlobalPosition, Failure> {
    let mut query = ReadAll::backward().filter(filter.clone());
    loop {
        query = query.limit(events.saturating_add(1).min(PAGE_EVENTS)).max_bytes(PAGE_BYTES);
        let page = store.read_all(&query).await?;
        if let Some(event) = page.events.get(events) {
            return Ok(event.position);
        }
        if page.end_reached {
            return Ok(GlobalPosition::START);
        }
        events -= page.events.len();
        query = query.next_page(&page);
    }
}

fn line(event: &RecordedEvent, colours: Colours) -> String {
    let RecordedEvent { position, recorded_at, stream, version, event_type, .. } = event;
    format!(
        "{position:>8}  {}  {} {version}  {}  {}",
        colours.dim(Rfc3339(*recorded_at)),
        screen::printable(stream.as_str()),
        colours.strong(screen::printable(event_type.as_str())),
        screen::preview(event, 100)
    )
}
