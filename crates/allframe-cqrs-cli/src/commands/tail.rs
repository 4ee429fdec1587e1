use std::{
    io::{self, Write},
    time::Duration,
};

use eventstore_api::{
    EventStoreBackend, GlobalPosition, Page, ReadAll, RecordedEvent, StoreError, message_with_causes,
};

use crate::{
    arguments::TailArguments,
    failure::Failure,
    human,
    jsonl::Rfc3339,
    output::Output,
    page::{PAGE_BYTES, PAGE_EVENTS},
    store::{self, Location, Store},
};

pub(crate) async fn run(location: &dyn Location, arguments: TailArguments) -> Result<(), Failure> {
    let TailArguments { last, follow, json } = arguments;
    let store = store::open_for_reading(location).await?;
    let mut output = Output::stdout();
    let mut query =
        ReadAll::after(before_the_last(&store, last).await?).limit(PAGE_EVENTS).max_bytes(PAGE_BYTES);
    loop {
        let page = if follow { next_page(&store, &query).await? } else { store.read_all(&query).await? };
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

/// Whoever follows a store stays when its server is away for a while.
async fn next_page(store: &Store, query: &ReadAll) -> Result<Page, StoreError> {
    const PAUSE: Duration = Duration::from_millis(500);
    let mut is_told = false;
    loop {
        match store.read_all(query).await {
            Err(error) if error.is_retryable() => {
                if !is_told {
                    let _ = writeln!(io::stderr(), "note: trying again: {}", message_with_causes(&error));
                    is_told = true;
                }
                tokio::time::sleep(PAUSE).await;
            }
            answer => return answer,
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
