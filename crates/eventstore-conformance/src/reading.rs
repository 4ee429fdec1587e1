//! Reading a store as a careful reader does: page by page, holding every page to what it promises.

use eventstore_api::{Direction, EventStoreBackend, GlobalPosition, Page, ReadAll, RecordedEvent};

/// Every event, from old to new.
pub(crate) async fn everything<B: EventStoreBackend + ?Sized>(backend: &B) -> Vec<RecordedEvent> {
    every(backend, ReadAll::forward()).await
}

/// Every event of a read, over as many pages as it takes.
pub(crate) async fn every<B: EventStoreBackend + ?Sized>(backend: &B, query: ReadAll) -> Vec<RecordedEvent> {
    to_the_end(backend, query).await.0
}

/// Every event of a read, and where it ended.
pub(crate) async fn to_the_end<B: EventStoreBackend + ?Sized>(
    backend: &B,
    mut query: ReadAll,
) -> (Vec<RecordedEvent>, GlobalPosition) {
    let mut events = Vec::new();
    loop {
        let page = backend.read_all(&query).await.expect("all events can be read");
        assert_sound(&query, &page);
        query = query.next_page(&page);
        events.extend(page.events);
        if page.end_reached {
            return (events, page.next);
        }
    }
}

/// What every page keeps, whatever the store holds.
pub(crate) fn assert_sound(query: &ReadAll, page: &Page) {
    let Page { events, next, .. } = page;
    assert!(
        events.len() <= query.limit,
        "law 9: a page of at most {} events was asked for, and {} came",
        query.limit,
        events.len()
    );
    let further = |a: GlobalPosition, b: GlobalPosition| match query.direction {
        Direction::Forward => b > a,
        Direction::Backward => b < a,
    };
    let mut last = query.after;
    for event in events {
        assert!(
            further(last, event.position),
            "law 4: reading {:?} after position {}, position {} came after {last}",
            query.direction,
            query.after,
            event.position
        );
        assert!(
            query.filter.matches(event),
            "law 4: the event at position {} does not pass the filter {:?} it was read with",
            event.position,
            query.filter
        );
        last = event.position;
    }
    assert!(
        *next == last || further(last, *next),
        "law 9: the page ends with position {last}, but says to go on at {next}, which comes before it"
    );
    assert!(
        page.end_reached || further(query.after, *next),
        "law 9: a page after position {} is not the last, and yet leads nowhere",
        query.after
    );
}

/// Events in few words, for messages.
pub(crate) fn outline(events: &[RecordedEvent]) -> String {
    const SHOWN: usize = 24;
    let mut words: Vec<String> = events
        .iter()
        .take(SHOWN)
        .map(|event| format!("{}:{}@{}", event.position, event.stream, event.version))
        .collect();
    if events.len() > SHOWN {
        words.push(format!("and {} more", events.len() - SHOWN));
    }
    format!("[{}]", words.join(" "))
}
