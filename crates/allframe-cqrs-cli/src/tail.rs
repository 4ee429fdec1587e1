use eventstore_api::{EventStoreBackend, GlobalPosition, ReadAll, RecordedEvent};

use crate::{
    arguments::TailArguments,
    export::{PAGE_BYTES, PAGE_EVENTS},
    failure::Failure,
    human,
    jsonl::Rfc3339,
    output::Output,
    store::{self, Store},
    store_url::StoreUrl,
};

pub(crate) async fn run(url: &StoreUrl, arguments: TailArguments) -> Result<(), Failure> {
    let TailArguments { last, follow, json } = arguments;
    let store = store::open_for_reading(url)?;
    let mut output = Output::stdout();
    let mut query =
        ReadAll::after(before_the_last(&store, last).await?).limit(PAGE_EVENTS).max_bytes(PAGE_BYTES);
    loop {
        let page = store.read_all(&query).await?;
        for event in &page.events {
            if json {
                output.event(event)?;
            } else {
                output.line(line(event))?;
            }
        }
        query = query.next_page(&page);
        if page.end_reached {
            output.flush()?;
            if !follow {
                return Ok(());
            }
            store.wait_past(query.after).await?;
        }
    }
}

/// The position after which there are so many events, or all of them.
async fn before_the_last(store: &Store, mut events: usize) -> Result<GlobalPosition, Failure> {
    let mut query = ReadAll::backward();
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

fn line(event: &RecordedEvent) -> String {
    let RecordedEvent { position, recorded_at, stream, version, event_type, .. } = event;
    format!(
        "{position:>8}  {}  {} {version}  {}  {}",
        Rfc3339(*recorded_at),
        human::printable(stream.as_str()),
        human::printable(event_type.as_str()),
        human::preview(event, 100)
    )
}
