//! No SQL is made of what users say: whatever names, tags, types and texts hold, it is kept and found as it is.

use std::collections::BTreeSet;

use crate::support::{
    Schema,
    events::{all, events, stream},
    outcome::{cause, in_time},
};
use eventstore_api::{
    AppendBatch, AppendCondition, EventFilter, EventStoreBackend, EventType, ExpectedVersion, Metadata,
    NewEvent, ReadAll, Snapshot, StoreError, StreamId, Tag, Tags, Timestamp, Version,
};
use eventstore_postgres::PostgresError;

/// What ends strings, begins comments, names parameters, or means something to arrays, patterns, JSON and formats.
const HOSTILE: &[&str] = &[
    "'; DROP TABLE event_log; --",
    "\"; DROP SCHEMA eventstore CASCADE; --",
    "\\'; SELECT pg_sleep(60); --",
    "$1",
    "$$; DROP TABLE event_log; $$",
    "{}",
    "{a,b}",
    "a,b",
    "{\"a\\\"b\"}",
    "\\",
    "\\\\\"",
    "%",
    "_",
    "%s %I %1$L",
    "NULL",
    "null",
    "E'\\x00'",
    "/* */",
    "[1,2]",
    "{\"types\":[\"x\"]}",
    "\u{1f600} naïve 東京 \u{202e}",
    "a\u{301}",
    "á",
    "A",
    "a",
    " a ",
    "\u{10ffff}",
    "\u{feff}",
];

fn hostile_event(text: &'static str) -> NewEvent {
    let tags = Tags::new([Tag::of("k", text).unwrap(), Tag::of("all", "1").unwrap()]).unwrap();
    let metadata = Metadata::from_stored([(text, text), ("plain", text)]).unwrap();
    NewEvent::new(EventType::new(text).unwrap(), text.as_bytes().to_vec())
        .with_tags(tags)
        .with_metadata(metadata)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_texts_hold_is_kept_and_found_exactly() {
    let schema = Schema::new();
    let store = schema.open().await;
    // In one batch, in which each could reach the others.
    let events: Vec<(StreamId, NewEvent)> =
        HOSTILE.iter().map(|&text| (StreamId::new(text).unwrap(), hostile_event(text))).collect();
    let batch = events.iter().fold(AppendBatch::new(), |batch, (stream, event)| {
        batch.append(stream.clone(), ExpectedVersion::NoStream, vec![event.clone()])
    });
    in_time(store.append_all(batch.clone())).await.unwrap();
    // As a retry, each is recognised.
    in_time(store.append_all(batch)).await.unwrap();

    for ((stream, event), text) in events.iter().zip(HOSTILE) {
        let found = in_time(store.get_events(stream)).await.unwrap();
        assert!(
            matches!(&found[..], [one] if one.stream == *stream && one.same_content(event)),
            "{text}: {found:?}"
        );

        let only = [text.to_string()].into();
        let tag = Tags::new([Tag::of("k", text).unwrap()]).unwrap();
        assert_eq!(filtered(&store, EventFilter::tagged(tag.clone())).await, only, "by tag");
        let both = Tags::new(tag.iter().cloned().chain([Tag::of("all", "1").unwrap()])).unwrap();
        assert_eq!(filtered(&store, EventFilter::tagged(both)).await, only, "by two tags");
        let by_type = EventFilter::types([EventType::new(*text).unwrap()]);
        assert_eq!(filtered(&store, by_type).await, only, "by type");
        assert_eq!(filtered(&store, EventFilter::stream(stream.clone())).await, only, "by stream");
        let begins_so: BTreeSet<String> =
            HOSTILE.iter().filter(|other| other.starts_with(text)).map(ToString::to_string).collect();
        assert_eq!(filtered(&store, EventFilter::stream_prefix(*text)).await, begins_so, "by prefix");
    }
    let all = filtered(&store, EventFilter::tagged(Tags::parse(["all:1"]).unwrap())).await;
    assert_eq!(all.len(), HOSTILE.len());
}

/// The streams of the events that pass, each of which has one.
async fn filtered(store: &impl EventStoreBackend, filter: EventFilter) -> BTreeSet<String> {
    let page = in_time(store.read_all(&ReadAll::forward().filter(filter))).await.unwrap();
    assert!(page.end_reached);
    page.events.iter().map(|event| event.stream.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_condition_holds_excludes_that_and_nothing_else() {
    let schema = Schema::new();
    let store = schema.open().await;
    for text in HOSTILE {
        let filters = || {
            [
                EventFilter::tagged(Tags::new([Tag::of("k", text).unwrap()]).unwrap()),
                EventFilter::types([EventType::new(*text).unwrap()]),
                EventFilter::stream(StreamId::new(*text).unwrap()),
            ]
        };
        let ask = async |filter, event: NewEvent| {
            let stream = StreamId::new(*text).unwrap();
            let batch = AppendBatch::single(stream, ExpectedVersion::Any, vec![event]);
            in_time(store.append_all(batch.condition(AppendCondition::none(filter)))).await
        };
        let [first, ..] = filters();
        ask(first, hostile_event(text)).await.unwrap();
        for filter in filters() {
            let refused = ask(filter, hostile_event(text)).await;
            assert!(matches!(refused, Err(StoreError::ConditionFailed { .. })), "{text}: {refused:?}");
        }
    }
    assert_eq!(in_time(store.stats()).await.unwrap().total_events, HOSTILE.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_snapshot_is_named_it_is_that_one() {
    let schema = Schema::new();
    let store = schema.open().await;
    for text in HOSTILE {
        let (stream, state) = (StreamId::new(*text).unwrap(), EventType::new(*text).unwrap());
        let snapshot = Snapshot::new(stream, Version::new(1), state, text.as_bytes().to_vec());
        in_time(store.save_snapshot(snapshot)).await.unwrap();
    }
    for text in HOSTILE {
        let found =
            in_time(store.get_latest_snapshot(&StreamId::new(*text).unwrap())).await.unwrap().unwrap();
        assert_eq!((found.state_type.as_str(), &found.payload[..]), (*text, text.as_bytes()));
    }
    assert_eq!(in_time(store.stats()).await.unwrap().total_snapshots, HOSTILE.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_the_server_does_not_have_is_refused_and_the_first_that_it_has_is_kept() {
    let (one, other) = (Schema::new(), Schema::new());
    let (from, to) = (one.open().await, other.open().await);
    from.append(&stream("a"), ExpectedVersion::Any, events(1)).await.unwrap();
    let mut event = all(&from).await;
    for micros in [i64::MIN, -210_866_803_200_000_001] {
        event.first_mut().unwrap().recorded_at = Timestamp::from_micros(micros);
        let refused = to.restore(event.clone()).await.unwrap_err();
        assert!(matches!(cause(&refused), PostgresError::TooEarly { .. }), "{refused:?}");
        assert!(all(&to).await.is_empty());
    }
    for micros in [-210_866_803_200_000_000, i64::MAX] {
        let schema = Schema::new();
        let to = schema.open().await;
        event.first_mut().unwrap().recorded_at = Timestamp::from_micros(micros);
        to.restore(event.clone()).await.unwrap();
        assert_eq!(all(&to).await, event);
    }
}
