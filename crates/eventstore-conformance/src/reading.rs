//! Reading a store as a careful reader does: page by page, holding every page to what it promises.

use eventstore_api::{
    Direction, EventStoreBackend, GlobalPosition, Page, ReadAll, RecordedEvent, StreamId, StreamPage,
    StreamRange, Version,
};

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

/// Every event of a range of a stream, over as many pages as it takes.
pub(crate) async fn range<B: EventStoreBackend + ?Sized>(
    backend: &B,
    stream: &StreamId,
    mut range: StreamRange,
) -> Vec<RecordedEvent> {
    let mut events = Vec::new();
    loop {
        let page = backend.read_stream(stream, range).await.expect("a stream can be read");
        assert_sound_part(stream, range, &page);
        range = range.next_page(&page);
        events.extend(page.events);
        if page.end_reached {
            return events;
        }
    }
}

/// What every page of all events keeps, whatever the store holds.
pub(crate) fn assert_sound(query: &ReadAll, page: &Page) {
    let Page { events, next, .. } = page;
    assert_bounded(events, query.max_bytes);
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

/// What every page of a stream keeps, whatever the stream holds.
pub(crate) fn assert_sound_part(stream: &StreamId, range: StreamRange, page: &StreamPage) {
    let StreamPage { events, end_reached, .. } = page;
    assert_bounded(events, range.max_bytes);
    let limit = range.limit.unwrap_or(usize::MAX);
    assert!(
        events.len() <= limit,
        "law 9: at most {limit} events of {stream} were asked for, and {} came",
        events.len()
    );
    let mut last = range.after;
    for event in events {
        assert!(event.stream == *stream, "law 4: {} was read, and an event of {} came", stream, event.stream);
        let version = event.version;
        let expected = match range.direction {
            Direction::Forward => last.next(),
            // Where a backward read begins is for the stream to say.
            Direction::Backward if last == range.after => version,
            Direction::Backward => Version::new(last.get().saturating_sub(1)),
        };
        assert!(
            range.includes(version) && version == expected,
            "law 4: reading {stream} {:?} after version {}, version {version} came after {last}",
            range.direction,
            range.after
        );
        last = version;
    }
    assert!(
        *end_reached || !events.is_empty(),
        "law 9: an empty page of {stream} after version {} is not the last, and so leads nowhere",
        range.after
    );
    let is_met = events.len() == limit;
    assert!(*end_reached || !is_met, "law 9: a page of {stream} met the limit {limit} and is not the last");
    if range.direction == Direction::Backward && !events.is_empty() && !is_met {
        assert!(
            *end_reached == (last == Version::new(1)),
            "law 9: a page of {stream} read backward ends with version {last}, and says of the end: {end_reached}"
        );
    }
}

fn assert_bounded(events: &[RecordedEvent], max_bytes: usize) {
    let bytes: usize = events.iter().map(|event| event.payload.len()).sum();
    assert!(
        events.len() <= 1 || (max_bytes > 0 && bytes <= max_bytes),
        "law 9: a page of at most {max_bytes} bytes was asked for, and {} events with {bytes} bytes came",
        events.len()
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
