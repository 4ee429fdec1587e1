//! Law 11: any payload up to the documented limit round-trips; so does any legal stream id. Beyond the limits:
//! `InvalidInput`, nothing stored.

use bytes::Bytes;
use eventstore_api::{
    Encoding, EventFilter, EventId, EventStoreBackend, ExpectedVersion, Metadata, NewEvent, ReadAll, Tag,
    Tags,
    limits::{
        MAX_BATCH_BYTES, MAX_BATCH_EVENTS, MAX_EVENT_TYPE_BYTES, MAX_METADATA_BYTES, MAX_METADATA_ENTRIES,
        MAX_PAYLOAD_BYTES, MAX_STREAM_ID_BYTES, MAX_TAG_BYTES, MAX_TAGS,
    },
    reexports::uuid::Uuid,
};

use crate::{
    TestStore,
    errors::invalid_input,
    events::{event, event_type, events, ids, rich_event, stream, tags, with_type},
    reading,
    sure::Sure,
};

const LAW: &str = "law 11, bytes are bytes";

/// Payloads around every size at which a store might change its ways come back byte for byte.
pub async fn payloads_of_every_size_come_back(store: TestStore) {
    let around = |size: usize| [size.saturating_sub(1), size, size + 1];
    let sizes =
        [1, 16, 128, 256, 1 << 10, 4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10, 256 << 10, 1 << 20];
    for size in sizes.into_iter().flat_map(around) {
        assert_round_trip(&store, event_with(noise(size))).await;
    }
}

/// Every value of a byte, alone and among all the others.
pub async fn every_byte_value_comes_back(store: TestStore) {
    let mut appended: Vec<NewEvent> = (0..=255_u8).map(|byte| event_with(vec![byte])).collect();
    appended.push(event_with((0..=255).collect::<Vec<u8>>()));
    appended.push(event_with((0..=255).rev().collect::<Vec<u8>>()));
    store.put(&stream("s"), appended.clone()).await;
    let store = store.reopen().await;
    for (stored, appended) in store.stored(&stream("s")).await.iter().zip(&appended) {
        assert!(stored.same_content(appended), "{LAW}: {appended:?} came back as {stored:?}");
    }
}

/// The largest legal payload comes back; one byte more is refused and stores nothing.
pub async fn a_payload_may_be_as_large_as_the_limit(store: TestStore) {
    assert_round_trip(&store, event_with(noise(MAX_PAYLOAD_BYTES))).await;
    let before = store.counts().await;
    let too_large = event_with(noise(MAX_PAYLOAD_BYTES + 1));
    invalid_input(LAW, store.append(&stream("s"), ExpectedVersion::Any, vec![too_large]).await);
    assert_eq!(store.counts().await, before, "{LAW}: the refused payload");
    let store = store.reopen().await;
    assert_eq!(store.stored(&stream("s")).await[0].payload.len(), MAX_PAYLOAD_BYTES, "{LAW}");
}

/// The most and the largest that one append may hold is stored; more is refused and stores nothing.
pub async fn a_batch_may_be_as_large_as_the_limits(store: TestStore) {
    let most: Vec<NewEvent> = (0..MAX_BATCH_EVENTS).map(|_| event_with(&b""[..])).collect();
    let last = most[most.len() - 1].id;
    let outcome = store.put(&stream("many"), most.clone()).await;
    assert_eq!(outcome.last_version.get(), MAX_BATCH_EVENTS as u64, "{LAW}");
    let end = ReadAll::backward().limit(1);
    assert_eq!(ids(&store.read_all(&end).await.expect("it can be read").events), [last], "{LAW}");

    // Everything of variable length counts: payloads, type names, and the id of the stream once.
    let payload = Bytes::from(vec![7; MAX_PAYLOAD_BYTES]);
    let mut largest: Vec<NewEvent> =
        (1..MAX_BATCH_BYTES / MAX_PAYLOAD_BYTES).map(|_| event_with(payload.clone())).collect();
    let last = event_with(&b""[..]);
    let names = "large".len() + (largest.len() + 1) * last.event_type.as_str().len();
    largest.push(event_with(payload.slice(names..)));
    store.put(&stream("large"), largest.clone()).await;
    let counts = store.counts().await;

    let too_many =
        most.into_iter().map(|event| event.with_id(EventId::generate())).chain([event()]).collect();
    invalid_input(LAW, store.append(&stream("more"), ExpectedVersion::Any, too_many).await);
    let too_large =
        largest.into_iter().map(|e| e.with_id(EventId::generate())).chain([event_with(&b"1"[..])]).collect();
    invalid_input(LAW, store.append(&stream("more"), ExpectedVersion::Any, too_large).await);
    assert_eq!(store.counts().await, counts, "{LAW}: the refused batches");
}

/// Stream ids of every legal kind: each is its own stream, before and after a restart.
pub async fn any_legal_stream_id_comes_back(store: TestStore) {
    let names = odd_names(MAX_STREAM_ID_BYTES);
    for (count, name) in (1..).zip(&names) {
        let outcome = store.append(&stream(name), ExpectedVersion::NoStream, events(count)).await;
        outcome.unwrap_or_else(|error| panic!("{LAW}: {name:?} is taken for another stream: {error:?}"));
    }
    let store = store.reopen().await;
    for (count, name) in (1..).zip(&names) {
        let stored = store.stored(&stream(name)).await;
        assert_eq!(stored.len(), count, "{LAW}: events of stream {name:?}");
        assert!(
            stored.iter().all(|event| event.stream.as_str() == name),
            "{LAW}: {name:?} came back otherwise"
        );
        let prefix = EventFilter::stream_prefix(name.as_str());
        let found = reading::every(&*store, ReadAll::forward().filter(prefix)).await;
        assert!(
            found.iter().filter(|event| event.stream.as_str() == name).count() == count,
            "{LAW}: {name:?}"
        );
    }
    assert_eq!(store.counts().await.total_streams, names.len() as u64, "{LAW}");
}

/// Event types and tags of every legal kind come back, and can be filtered by.
pub async fn any_legal_type_and_tag_comes_back(store: TestStore) {
    for (name, value) in odd_names(MAX_EVENT_TYPE_BYTES).iter().zip(odd_names(MAX_TAG_BYTES - "key:".len())) {
        let label = format!("key:{value}");
        let new = NewEvent::new(event_type(name), "").with_tags(tags(&[&label]));
        assert_round_trip(&store, new.clone()).await;
        for filter in [with_type(name), EventFilter::tagged(new.tags.clone())] {
            let found = reading::every(&*store, ReadAll::forward().filter(filter)).await;
            assert_eq!(ids(&found), [new.id], "{LAW}: found by {name:?} or {label:?}");
        }
    }
}

/// As many tags as an event may carry, each as long as it may be.
pub async fn tags_may_be_as_many_and_as_long_as_the_limits(store: TestStore) {
    let longest = |number: usize| Tag::new(format!("{number:0>width$}:", width = MAX_TAG_BYTES - 1)).unwrap();
    let most = Tags::new((0..MAX_TAGS).map(longest)).unwrap();
    assert_eq!(most.len(), MAX_TAGS);
    let new = event().with_tags(most.clone());
    assert_round_trip(&store, new.clone()).await;
    let found = reading::every(&*store, ReadAll::forward().filter(EventFilter::tagged(most))).await;
    assert_eq!(ids(&found), [new.id], "{LAW}: found by all of its tags");
}

/// Metadata of any text comes back, up to its limits and not beyond.
pub async fn metadata_comes_back_up_to_its_limits(store: TestStore) {
    let text = "line one\nline two\ttab \"quoted\" 'single' \\ \u{1} \u{1f680} \u{202e}";
    let most: Metadata = (0..MAX_METADATA_ENTRIES).map(|number| (format!("name {number}"), text)).collect();
    assert_round_trip(&store, event().with_metadata(most.clone())).await;
    let largest = Metadata::new().with("k", "v".repeat(MAX_METADATA_BYTES - 1));
    assert_round_trip(&store, event().with_metadata(largest)).await;
    let before = store.picture().await;
    for too_much in [
        most.with("one", "more"),
        Metadata::new().with("k", "v".repeat(MAX_METADATA_BYTES)),
        Metadata::new().with("", "no name"),
        Metadata::new().with("a\u{7}b", "bell"),
        Metadata::new().with("name", "a\u{0}b"),
    ] {
        let refused = event().with_metadata(too_much);
        invalid_input(LAW, store.append(&stream("s"), ExpectedVersion::Any, vec![refused]).await);
        store.assert_unchanged(&before, LAW).await;
    }
}

/// Numbers and ids at the ends of their ranges come back.
pub async fn numbers_and_ids_of_any_value_come_back(store: TestStore) {
    for version in [0, 1, 255, 65_536, i32::MAX.unsigned_abs(), 1 << 31, u32::MAX] {
        assert_round_trip(&store, event().with_schema_version(version)).await;
    }
    for encoding in 0..=255 {
        let new = event_with(&br#"{"valid":"json"}"#[..]).with_encoding(Encoding::new(encoding));
        assert_round_trip(&store, new).await;
    }
    for id in [
        Uuid::nil(),
        Uuid::max(),
        Uuid::from_u128(1),
        Uuid::from_u128(u128::MAX >> 1),
        Uuid::from_u128(1 << 127),
    ] {
        assert_round_trip(&store, event().with_id(EventId::from_uuid(id))).await;
    }
    assert_round_trip(&store, rich_event()).await;
}

/// A payload that is declared to be JSON keeps its bytes: spaces, order, repeated keys, numbers; and also when it is none.
pub async fn a_payload_declared_json_keeps_its_bytes(store: TestStore) {
    for text in [
        r#"{"b":1,"a":2}"#,
        "{ \"spaced\" :\n [ 1 ,2 ] }",
        r#"{"twice":1,"twice":2}"#,
        r#"{"number":1.0,"large":123456789012345678901234567890,"exponent":1E+2}"#,
        r#"{"escaped":"\u0041\u0000\/"}"#,
        "null",
        "",
        "not json at all",
        "\u{feff}{}",
    ] {
        assert_round_trip(&store, event_with(text).with_encoding(Encoding::JSON)).await;
    }
    assert_round_trip(&store, event_with(vec![0xff, 0xfe, 0x00]).with_encoding(Encoding::JSON)).await;
}

/// Names without control characters that a store might bend: case, spaces, composed and decomposed letters, quotes,
/// wildcards, separators, and the longest.
fn odd_names(longest: usize) -> Vec<String> {
    let mut names: Vec<String> = [
        "plain",
        "Plain",
        "PLAIN",
        " plain",
        "plain ",
        "plain  ",
        "p",
        "-",
        "--",
        "-plain",
        "plain-",
        "plain-1",
        "plain-10",
        "a/b",
        "a\\b",
        "../up",
        "/",
        ".",
        "..",
        "a.b",
        "a:b",
        "%",
        "_",
        "%25",
        "a%",
        "a_",
        "*",
        "?",
        "'",
        "\"",
        "''",
        "`",
        ";--",
        "' or 1=1",
        "$1",
        "{}",
        "null",
        "NULL",
        "0",
        "00",
        "-1",
        "\u{e9}",
        "e\u{301}",
        "\u{df}",
        "ss",
        "\u{130}",
        "\u{fb01}",
        "\u{65e5}\u{672c}",
        "\u{1f680}",
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        "\u{a0}",
        "\u{200b}",
        "\u{202e}evil",
        "\u{feff}bom",
        "\u{ffff}",
        "\u{10ffff}",
        "\u{e000}",
        "con",
        "nul.txt",
    ]
    .map(str::to_owned)
    .to_vec();
    names.push("x".repeat(longest));
    names.push("x".repeat(longest - 1));
    names.push("\u{1f680}".repeat(longest / 4));
    names
}

fn event_with(payload: impl Into<Bytes>) -> NewEvent {
    NewEvent::new(event_type("Happened"), payload)
}

/// Bytes in which no part repeats another, so that neither a cut nor a swap goes unnoticed.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..size)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[0]
        })
        .collect()
}

async fn assert_round_trip(store: &TestStore, new: NewEvent) {
    let outcome = store.put(&stream("s"), vec![new.clone()]).await;
    let before = eventstore_api::Version::new(outcome.first_version.get() - 1);
    let stored = store.get_events_after(&stream("s"), before).await.expect("a stream can be read");
    assert_eq!(ids(&stored), [new.id], "{LAW}");
    let length = new.payload.len();
    assert!(
        stored[0].same_content(&new),
        "{LAW}: an event with a payload of {length} bytes came back with {} bytes, or with something else changed\n  \
         appended {:?} {:?} {} {} {:?}\n  stored   {:?} {:?} {} {} {:?}",
        stored[0].payload.len(),
        new.event_type,
        new.tags,
        new.schema_version,
        new.encoding,
        new.metadata,
        stored[0].event_type,
        stored[0].tags,
        stored[0].schema_version,
        stored[0].encoding,
        stored[0].metadata,
    );
    let in_order = store.read_all(&ReadAll::backward().limit(1)).await.expect("it can be read").events;
    assert_eq!(ids(&in_order), [new.id], "{LAW}: read in the order of all events");
    assert!(in_order[0].payload == new.payload, "{LAW}: the payload read in the order of all events");
}
