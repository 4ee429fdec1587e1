//! Law 9: a subscription from position p yields every later event once, in order, across the switch from history to live,
//! however slow the reader; memory stays bounded.

use eventstore_api::{
    DEFAULT_MAX_BYTES, Direction, EventFilter, EventStoreBackend, GlobalPosition, ReadAll, RecordedEvent,
    StreamId, StreamRange, Subscription, limits::MAX_PAYLOAD_BYTES,
};

use crate::{
    TestStore,
    events::{event, events, ids, positions, sized, stream, tagged, with_tag, with_type},
    race::{all_at_once, finished},
    reading,
    sure::Sure,
};

const LAW: &str = "law 9, catch-up without seam";

/// From the first event on, while others write as fast as they can and the reader does not.
pub async fn a_slow_reader_hears_every_event_once(store: TestStore) {
    store.put(&stream("history"), events(150)).await;
    for page_size in [1, 7, 64, 512] {
        let store = &store;
        let before = store.counts().await.total_events;
        let subscription = Subscription::new(store.backend(), GlobalPosition::START, EventFilter::all());
        let reader = tokio::spawn(listen(
            subscription.with_page_size(page_size),
            usize::try_from(before).unwrap() + WRITTEN,
            Pace::Slow,
        ));
        write(store).await;
        let heard = finished(reader.await);
        assert_same(&heard, &store.everything().await, &format!("pages of {page_size}"));
    }
}

/// From a position in the middle: what lies behind it, and nothing up to it.
pub async fn from_the_middle_the_rest_is_heard(store: TestStore) {
    store.put(&stream("history"), events(40)).await;
    let all = store.everything().await;
    for start in [0, 1, 19, 38, 39] {
        let store = &store;
        let before = store.everything().await.len();
        let subscription = Subscription::new(store.backend(), all[start].position, EventFilter::all());
        let reader =
            tokio::spawn(listen(subscription.with_page_size(8), before - start - 1 + WRITTEN, Pace::Fast));
        write(store).await;
        let heard = finished(reader.await);
        let now = store.everything().await;
        assert_same(&heard, &now[start + 1..], &format!("from event {start} on"));
    }
}

/// Through a filter the same events come as a filtered read finds.
pub async fn a_filtered_subscription_hears_what_passes(store: TestStore) {
    for filter in [with_tag("parity:odd"), EventFilter::stream_prefix("s-2"), with_type("Happened")] {
        let store = store.another().await;
        write(&store).await;
        let passing =
            |all: Vec<RecordedEvent>| all.into_iter().filter(|e| filter.matches(e)).collect::<Vec<_>>();
        let count = passing(store.everything().await).len() * 2;
        let subscription = Subscription::new(store.backend(), GlobalPosition::START, filter.clone());
        let reader = tokio::spawn(listen(subscription.with_page_size(5), count, Pace::Slow));
        write(&store).await;
        let heard = finished(reader.await);
        assert_same(&heard, &passing(store.everything().await), &format!("{filter:?}"));
    }
}

/// A reader who is interrupted again and again, and goes on from `position()` each time, hears the same as one who is not.
pub async fn a_resumed_subscription_goes_on_where_it_stood(store: TestStore) {
    store.put(&stream("history"), events(30)).await;
    for filter in [EventFilter::all(), with_tag("parity:even")] {
        let store = &store;
        let stored = store.everything().await;
        let count = stored.iter().filter(|event| filter.matches(event)).count();
        let more = if filter.is_all() { WRITTEN } else { WRITTEN / 2 };
        let (backend, wanted) = (store.backend(), filter.clone());
        let reader = tokio::spawn(async move {
            let mut heard = Vec::new();
            let mut at = GlobalPosition::START;
            let mut stretch = 0;
            while heard.len() < count + more {
                let subscription = Subscription::new(backend.clone(), at, wanted.clone());
                let mut subscription = subscription.with_page_size(4);
                stretch = stretch % 9 + 1;
                for _ in 0..stretch.min(count + more - heard.len()) {
                    heard.push(subscription.next().await.expect("a subscription can be heard"));
                }
                assert!(
                    subscription.position() >= heard[heard.len() - 1].position,
                    "{LAW}: the checkpoint lags"
                );
                at = subscription.position();
            }
            heard
        });
        write(store).await;
        let heard = finished(reader.await);
        let now: Vec<RecordedEvent> =
            store.everything().await.into_iter().filter(|event| filter.matches(event)).collect();
        assert_same(&heard, &now, &format!("resumed, {filter:?}"));
    }
}

/// A reader that waits at the head is woken by every append, not only by the next but one.
pub async fn a_waiting_subscription_is_woken_by_every_append(store: TestStore) {
    let (heard, mut hears) = tokio::sync::mpsc::channel(1);
    let mut subscription = Subscription::new(store.backend(), GlobalPosition::START, EventFilter::all());
    let reader = tokio::spawn(async move {
        for _ in 0..60 {
            let event = subscription.next().await.expect("a subscription can be heard");
            heard.send(event.id).await.expect("the writer listens");
        }
    });
    for round in 0..60 {
        // Now and then the reader gets to wait before the append, now and then it is still on its way.
        for _ in 0..round % 5 {
            tokio::task::yield_now().await;
        }
        let next = event();
        let id = next.id;
        store.put(&stream("s"), vec![next]).await;
        assert_eq!(hears.recv().await, Some(id), "{LAW}: what came next");
    }
    finished(reader.await);
}

/// Many waiters at the head are all woken by one append.
pub async fn every_waiter_is_woken(store: TestStore) {
    for round in 0..10 {
        let head = store.counts().await.head;
        let waiters: Vec<_> = (0..12)
            .map(|_| {
                let backend = store.backend();
                tokio::spawn(async move { backend.wait_past(head).await.expect("one can wait") })
            })
            .collect();
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        let outcome = store.put(&stream("s"), events(2)).await;
        for waiter in waiters {
            assert_eq!(
                finished(waiter.await),
                outcome.last_position,
                "{LAW}: the head that a waiter heard of"
            );
        }
    }
}

/// `wait_past` answers at once where an event lies behind, and only when one does.
pub async fn waiting_ends_when_an_event_lies_behind(store: TestStore) {
    let first = store.put(&stream("s"), events(1)).await.last_position;
    assert_eq!(store.wait_past(GlobalPosition::START).await.expect("one can wait"), first, "{LAW}");
    let backend = store.backend();
    let waiter = tokio::spawn(async move { backend.wait_past(first).await.expect("one can wait") });
    store
        .save_snapshot(crate::laws::law_10_snapshots::snapshot("s", 1))
        .await
        .expect("a snapshot can be saved");
    store.flush().await.expect("a store can be flushed");
    for _ in 0..50 {
        store.counts().await;
        tokio::task::yield_now().await;
    }
    assert!(!waiter.is_finished(), "{LAW}: waiting past the head came to an end though nothing was appended");
    let second = store.put(&stream("s"), events(1)).await.last_position;
    assert_eq!(finished(waiter.await), second, "{LAW}");
}

/// `next_stored` hands out history and then says that this was all, again and again.
pub async fn stored_events_end_at_the_head(store: TestStore) {
    let mut subscription = Subscription::new(store.backend(), GlobalPosition::START, EventFilter::all());
    let mut heard = Vec::new();
    for round in 0..5 {
        if round > 0 {
            store.put(&stream("s"), events(round * 3)).await;
        }
        while let Some(event) = subscription.next_stored().await.expect("a subscription can be heard") {
            heard.push(event);
        }
        assert_same(&heard, &store.everything().await, &format!("round {round}"));
    }
}

/// History comes whole in pages of every size: the event behind a page neither twice nor never.
pub async fn history_is_whole_in_pages_of_every_size(store: TestStore) {
    store.put(&stream("s"), events(130)).await;
    let all = store.everything().await;
    for page_size in [1, 2, 3, 10, 64, 65, 129, 130, 131] {
        let subscription = Subscription::new(store.backend(), GlobalPosition::START, EventFilter::all());
        let mut subscription = subscription.with_page_size(page_size);
        let mut heard = Vec::new();
        while let Some(event) = subscription.next_stored().await.expect("a subscription can be heard") {
            heard.push(event);
            assert!(
                heard.len() <= all.len(),
                "{LAW}: more was heard than is stored, in pages of {page_size}"
            );
        }
        assert_same(&heard, &all, &format!("pages of {page_size}"));
        assert!(subscription.position() >= all[all.len() - 1].position, "{LAW}: the checkpoint at the end");
    }
}

/// What was appended while the last event of history was being handed out, is history too.
pub async fn history_that_grows_is_heard_to_its_end(store: TestStore) {
    let mut subscription = Subscription::new(store.backend(), GlobalPosition::START, EventFilter::all());
    let mut heard = Vec::new();
    for round in 0..5 {
        store.put(&stream("s"), events(round % 2 + 1)).await;
        for _ in 0..=round % 2 {
            let next = subscription.next_stored().await.expect("a subscription can be heard");
            heard.push(
                next.unwrap_or_else(|| {
                    panic!("{LAW}: an event is stored, and `next_stored` says it was all")
                }),
            );
        }
    }
    assert_same(&heard, &store.everything().await, "growing");
}

/// Where nothing passes the filter, the checkpoint moves all the same, so that a restart does not begin anew.
pub async fn a_filter_that_nothing_passes_still_moves_on(store: TestStore) {
    store.put(&stream("s"), events(300)).await;
    let head = store.counts().await.head;
    let never = EventFilter::any_of([
        eventstore_api::Criterion::new().types([crate::events::event_type("Never")]),
        eventstore_api::Criterion::new().stream_prefix("elsewhere"),
    ]);
    for filter in [never, with_tag("never:seen")] {
        let mut subscription =
            Subscription::new(store.backend(), GlobalPosition::START, filter.clone()).with_page_size(10);
        let heard = subscription.next_stored().await.expect("a subscription can be heard");
        assert_eq!(heard, None, "{LAW}: nothing passes {filter:?}");
        assert!(
            subscription.position() >= head,
            "{LAW}: all up to {head} was looked at, but the checkpoint is {}",
            subscription.position()
        );
        let (_, next) = reading::to_the_end(&*store, ReadAll::forward().limit(10).filter(filter)).await;
        let later = store.put(&stream("s"), events(1)).await.last_position;
        assert!(later > next, "{LAW}: the page said to go on at {next}, and then {later} was appended");
    }
}

/// A page holds no more than was asked for, so that a subscription's memory is bounded by its reader.
pub async fn a_page_never_holds_more_than_asked(store: TestStore) {
    store.put(&stream("s"), events(1_200)).await;
    for limit in [1, 2, 100, 512] {
        for query in
            [ReadAll::forward(), ReadAll::backward(), ReadAll::forward().filter(with_type("Happened"))]
        {
            let page = store.read_all(&query.limit(limit)).await.expect("all events can be read");
            assert!(page.events.len() <= limit, "{LAW}: {} events in a page of {limit}", page.events.len());
            assert!(!page.end_reached, "{LAW}: a page of {limit} cannot be all of 1200 events");
        }
    }
    let default = store.read_all(&ReadAll::forward()).await.expect("all events can be read");
    assert!(default.events.len() <= ReadAll::DEFAULT_LIMIT, "{LAW}: the default page");
}

/// The payloads of a page have no more bytes together than was asked for, and going on from page to page leaves nothing
/// out: of all events and of a stream, in both directions.
pub async fn a_page_is_bounded_by_its_bytes(store: TestStore) {
    let s = stream("s");
    for _ in 0..5 {
        store.put(&s, sized([50, 0, 200, 50, 50, 1_000, 3, 3, 3])).await;
        store.put(&stream("another"), vec![tagged(&["colour:red"])]).await;
    }
    let all = store.everything().await;
    let one_stream = store.stored(&s).await;
    for max_bytes in [1, 3, 50, 103, 1_000, 4_000, usize::MAX] {
        for (filter, passing) in [(EventFilter::all(), &all), (EventFilter::stream(s.clone()), &one_stream)] {
            let bounded = |query: ReadAll| query.limit(100).max_bytes(max_bytes).filter(filter.clone());
            let forward = reading::every(&*store, bounded(ReadAll::forward())).await;
            assert_same(&forward, passing, "in pages bounded by bytes");
            let mut backward = reading::every(&*store, bounded(ReadAll::backward())).await;
            backward.reverse();
            assert_same(&backward, passing, "backward in pages bounded by bytes");
        }
        let forward = reading::range(&*store, &s, StreamRange::all().max_bytes(max_bytes)).await;
        assert_same(&forward, &one_stream, "a stream in pages bounded by bytes");
        let mut backward = reading::range(&*store, &s, StreamRange::backward().max_bytes(max_bytes)).await;
        backward.reverse();
        assert_same(&backward, &one_stream, "a stream backward in pages bounded by bytes");
    }

    let large = stream("large");
    store.put(&large, sized([MAX_PAYLOAD_BYTES, MAX_PAYLOAD_BYTES, 1])).await;
    let page = store.read_stream(&large, StreamRange::all()).await.expect("a stream can be read");
    reading::assert_sound_part(&large, StreamRange::all(), &page);
    assert!(
        !page.end_reached,
        "{LAW}: {DEFAULT_MAX_BYTES} bytes are the default, and the stream has one more"
    );
    let newest = ReadAll::backward().limit(3);
    let page = store.read_all(&newest).await.expect("all events can be read");
    reading::assert_sound(&newest, &page);
    assert!(!page.events.is_empty(), "{LAW}: a page that could hold something is empty");
}

/// An event with more bytes than a page may have comes alone. With no bytes at all, every event does.
pub async fn a_page_holds_one_event_however_large(store: TestStore) {
    let s = stream("s");
    store.put(&s, sized([100_000, 0, 0, 7, 100_000, 100_000])).await;
    let all = store.stored(&s).await;
    for max_bytes in [0, 1, 99_999] {
        for direction in [Direction::Forward, Direction::Backward] {
            let (mut query, mut range) = match direction {
                Direction::Forward => (ReadAll::forward(), StreamRange::all()),
                Direction::Backward => (ReadAll::backward(), StreamRange::backward()),
            };
            (query.max_bytes, range.max_bytes) = (max_bytes, max_bytes);
            let mut in_order: Vec<RecordedEvent> = all.clone();
            if direction == Direction::Backward {
                in_order.reverse();
            }
            assert_same(
                &reading::every(&*store, query).await,
                &in_order,
                "all events, each larger than a page",
            );
            let read = reading::range(&*store, &s, range).await;
            assert_same(&read, &in_order, "a stream of events, each larger than a page");
            let page = store.read_stream(&s, range).await.expect("a stream can be read");
            assert_eq!(
                ids(&page.events),
                ids(&in_order[..1]),
                "{LAW}: {direction:?}, {max_bytes} bytes a page"
            );
        }
    }
}

const WRITERS: usize = 4;
const ROUNDS: usize = 20;
/// Each round of a writer appends one even and one odd event.
const WRITTEN: usize = WRITERS * ROUNDS * 2;

async fn write(store: &TestStore) {
    all_at_once((0..WRITERS).map(|writer| {
        let backend = store.backend();
        async move {
            let own: StreamId = stream(&format!("s-{writer}"));
            for _ in 0..ROUNDS {
                backend.put(&own, vec![tagged(&["parity:even"]), tagged(&["parity:odd"])]).await;
                tokio::task::yield_now().await;
            }
        }
    }))
    .await;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    Fast,
    Slow,
}

async fn listen<B: EventStoreBackend>(
    mut subscription: Subscription<B>,
    count: usize,
    pace: Pace,
) -> Vec<RecordedEvent> {
    let mut heard = Vec::new();
    while heard.len() < count {
        heard.push(subscription.next().await.expect("a subscription can be heard"));
        if pace == Pace::Slow && heard.len() % 3 == 0 {
            tokio::task::yield_now().await;
        }
    }
    heard
}

fn assert_same(heard: &[RecordedEvent], stored: &[RecordedEvent], when: &str) {
    let first_difference = heard
        .iter()
        .zip(stored)
        .position(|(heard, stored)| heard != stored)
        .unwrap_or(heard.len().min(stored.len()));
    assert!(
        ids(heard) == ids(stored),
        "{LAW}, {when}: {} events were heard and {} are stored; they differ from number {} on\n  heard  {:?}\n  stored {:?}",
        heard.len(),
        stored.len(),
        first_difference + 1,
        positions(&heard[first_difference..heard.len().min(first_difference + 8)]),
        positions(&stored[first_difference..stored.len().min(first_difference + 8)]),
    );
}
