//! Law 12: bad input and a second opener get a clear error: no panic, no lost acknowledged event. What a damaged disk does
//! is for the backend's own tests, which know its files.

use eventstore_api::{
    AppendBatch, EventId, EventStoreBackend, EventType, ExpectedVersion, Field, GlobalPosition, InvalidInput,
    NewEvent, ReadAll, StoreError, StreamId, StreamRange, Tag, Tags, Version,
    limits::{MAX_EVENT_TYPE_BYTES, MAX_PAYLOAD_BYTES, MAX_STREAM_ID_BYTES, MAX_TAG_BYTES, MAX_TAGS},
};

use crate::{
    SecondOpener, TestStore,
    errors::{invalid_input, wrong_version},
    events::{event, event_type, events, exact, stream, versions},
    reading,
    sure::Sure,
};

const LAW: &str = "law 12, bad input, bad disk";

/// A name that no store could keep is refused before a store hears of it.
pub async fn a_bad_name_does_not_reach_a_store(store: TestStore) {
    let before = store.picture().await;
    assert_eq!(StreamId::new(""), Err(InvalidInput::Empty { what: Field::StreamId }), "{LAW}");
    assert_eq!(EventType::new(""), Err(InvalidInput::Empty { what: Field::EventType }), "{LAW}");
    assert!(StreamId::new("x".repeat(MAX_STREAM_ID_BYTES + 1)).is_err(), "{LAW}: an over-long stream id");
    assert!(EventType::new("x".repeat(MAX_EVENT_TYPE_BYTES + 1)).is_err(), "{LAW}: an over-long event type");
    assert!(Tag::new(format!("k:{}", "x".repeat(MAX_TAG_BYTES))).is_err(), "{LAW}: an over-long tag");
    for control in ["\0", "a\nb", "\u{7f}", "\u{85}"] {
        assert!(StreamId::try_from(control).is_err(), "{LAW}: {control:?} as a stream id");
        assert!(EventType::try_from(control).is_err(), "{LAW}: {control:?} as an event type");
        assert!(Tag::new(format!("k:{control}")).is_err(), "{LAW}: {control:?} in a tag");
    }
    assert!(Tag::new("no key").is_err() && Tag::new(":no key").is_err(), "{LAW}: a tag without key");
    assert!(Tags::parse((0..=MAX_TAGS).map(|number| format!("k:{number}"))).is_err(), "{LAW}: too many tags");
    assert!("no uuid".parse::<EventId>().is_err(), "{LAW}: an id that is no UUID");
    store.assert_unchanged(&before, LAW).await;
}

/// A batch that appends nothing, or nothing to one of its streams.
pub async fn a_batch_without_events_is_refused(store: TestStore) {
    let before = store.picture().await;
    assert_eq!(
        invalid_input(LAW, store.append_all(AppendBatch::new()).await),
        InvalidInput::EmptyBatch,
        "{LAW}"
    );
    let guards_alone = AppendBatch::new().guard(stream("s"), ExpectedVersion::NoStream);
    assert_eq!(invalid_input(LAW, store.append_all(guards_alone).await), InvalidInput::EmptyBatch, "{LAW}");
    let nothing = InvalidInput::NoEvents { stream: stream("s") };
    let refused = store.append(&stream("s"), ExpectedVersion::Any, Vec::new()).await;
    assert_eq!(invalid_input(LAW, refused), nothing, "{LAW}");
    let half = AppendBatch::new().append(stream("a"), ExpectedVersion::Any, events(1)).append(
        stream("s"),
        ExpectedVersion::Any,
        Vec::new(),
    );
    assert_eq!(invalid_input(LAW, store.append_all(half).await), nothing, "{LAW}");
    store.assert_unchanged(&before, LAW).await;
}

/// A stream may stand once in a batch: among its appends, among its guards, or across both.
pub async fn a_stream_named_twice_is_refused(store: TestStore) {
    let s = stream("s");
    let any = ExpectedVersion::Any;
    let before = store.picture().await;
    for batch in [
        AppendBatch::single(s.clone(), any, events(1)).append(s.clone(), any, events(1)),
        AppendBatch::single(s.clone(), any, events(1)).guard(s.clone(), any),
        AppendBatch::single(stream("a"), any, events(1)).guard(s.clone(), any).guard(s.clone(), any),
    ] {
        let refused = invalid_input(LAW, store.append_all(batch).await);
        assert_eq!(refused, InvalidInput::StreamRepeated { stream: s.clone() }, "{LAW}");
        store.assert_unchanged(&before, LAW).await;
    }
}

/// One append may not hold an id twice, neither with the same content nor with other.
pub async fn an_id_twice_in_one_append_is_refused(store: TestStore) {
    let (s, twice) = (stream("s"), event());
    let before = store.picture().await;
    for batch in [
        vec![twice.clone(), twice.clone()],
        vec![twice.clone(), event(), event().with_id(twice.id)],
        vec![event(), twice.clone(), event(), twice.clone()],
    ] {
        let refused = invalid_input(LAW, store.append(&s, ExpectedVersion::Any, batch).await);
        assert_eq!(refused, InvalidInput::EventIdRepeated { stream: s.clone(), id: twice.id }, "{LAW}");
        store.assert_unchanged(&before, LAW).await;
    }
    store.append(&s, ExpectedVersion::NoStream, vec![twice]).await.expect("the id is still free");
}

/// What does not exist reads as empty, and a guard on it says that it is not there.
pub async fn a_missing_stream_is_no_error_to_read(store: TestStore) {
    for round in 0..2 {
        let missing = stream("missing");
        assert_eq!(store.stored(&missing).await, [], "{LAW}");
        for range in [StreamRange::all(), StreamRange::backward(), StreamRange::after(Version::new(7))] {
            let page = store.read_stream(&missing, range).await.expect("it reads as empty");
            assert!(page.events.is_empty() && page.end_reached, "{LAW}: {page:?}");
        }
        let snapshot = store.get_latest_snapshot(&missing).await;
        assert_eq!(snapshot.expect("it reads as none"), None, "{LAW}");
        let refused = store.append(&missing, exact(4), events(1)).await;
        assert_eq!(wrong_version(LAW, refused), (missing.clone(), exact(4), Version::NONE), "{LAW}");
        let batch = AppendBatch::single(stream("a"), ExpectedVersion::Any, events(1))
            .guard(missing.clone(), ExpectedVersion::StreamExists);
        let refused = store.append_all(batch).await;
        assert_eq!(
            wrong_version(LAW, refused),
            (missing, ExpectedVersion::StreamExists, Version::NONE),
            "{LAW}"
        );
        store.put(&stream("present"), events(round + 1)).await;
    }
}

/// Reads at the ends of every range answer; a page without room is refused.
pub async fn reads_at_the_ends_of_their_ranges_answer(store: TestStore) {
    let s = stream("s");
    for count in [0_u64, 3] {
        for limit in [None, Some(0), Some(1), Some(usize::MAX)] {
            for version in [0, 1, 2, 3, 4, u64::MAX - 1, u64::MAX].map(Version::new) {
                let mut forward = StreamRange::after(version);
                forward.limit = limit;
                let read = reading::range(&*store, &s, forward).await;
                let cut = limit.unwrap_or(usize::MAX);
                let expected: Vec<u64> = (1..=count).filter(|v| *v > version.get()).take(cut).collect();
                assert_eq!(versions(&read), expected, "{LAW}: {forward:?} of {count} events");
                let mut backward = StreamRange::before(version);
                backward.limit = limit;
                let read = reading::range(&*store, &s, backward).await;
                let expected: Vec<u64> = (1..=count).rev().filter(|v| *v < version.get()).take(cut).collect();
                assert_eq!(versions(&read), expected, "{LAW}: {backward:?} of {count} events");
            }
        }
        for position in [GlobalPosition::START, GlobalPosition::new(u64::MAX - 1), GlobalPosition::END] {
            for (query, all) in [
                (ReadAll::after(position), position == GlobalPosition::START),
                (ReadAll::before(position), position != GlobalPosition::START),
            ] {
                let read = reading::every(&*store, query.clone().limit(usize::MAX)).await;
                let expected = if all { count } else { 0 };
                assert_eq!(read.len() as u64, expected, "{LAW}: {query:?} of {count} events");
                let refused = store.read_all(&query.limit(0)).await;
                assert_eq!(invalid_input(LAW, refused), InvalidInput::ZeroLimit, "{LAW}");
            }
        }
        if count == 0 {
            store.put(&s, events(3)).await;
        }
    }
}

/// After all that a caller can do wrong, alone and at once with others who do right, the store works as before.
pub async fn bad_input_leaves_the_store_usable(store: TestStore) {
    let s = stream("s");
    store.put(&s, events(1)).await;
    let too_large = vec![0; MAX_PAYLOAD_BYTES + 1];
    for round in 1..=5_u64 {
        let any = ExpectedVersion::Any;
        invalid_input(LAW, store.append_all(AppendBatch::new()).await);
        invalid_input(LAW, store.append(&s, any, Vec::new()).await);
        let large = NewEvent::new(event_type("TooLarge"), too_large.clone());
        invalid_input(LAW, store.append(&s, any, vec![large]).await);
        invalid_input(LAW, store.read_all(&ReadAll::forward().limit(0)).await);
        wrong_version(LAW, store.append(&s, exact(77), events(1)).await);
        let outcome = store.append(&s, exact(round), events(1)).await.expect("the guard holds");
        assert_eq!(outcome.last_version, Version::new(round + 1), "{LAW}");
    }
    let store = store.reopen().await;
    assert_eq!(versions(&store.stored(&s).await), [1, 2, 3, 4, 5, 6], "{LAW}");
}

/// Who opens a store that is open is refused with an error that says so, or shares it; the first opener loses nothing.
pub async fn a_second_opener_is_refused_or_shares(store: TestStore) {
    let s = stream("s");
    store.put(&s, events(2)).await;
    match store.open_second().await {
        SecondOpener::Impossible => {
            assert!(!store.is_durable(), "{LAW}: a durable backend says what becomes of a second opener");
        }
        SecondOpener::Refused(error) => {
            assert!(!error.to_string().is_empty(), "{LAW}: the refusal says nothing");
            assert!(
                !matches!(error, StoreError::Corrupted { .. } | StoreError::OutcomeUnknown { .. }),
                "{LAW}: a store that is in use is not {error:?}"
            );
        }
        SecondOpener::Shared(second) => {
            assert_eq!(second.stored(&s).await, store.stored(&s).await, "{LAW}: both see the same");
            second.append(&s, exact(2), events(1)).await.expect("the guard holds");
            wrong_version(LAW, store.append(&s, exact(2), events(1)).await);
            store.append(&s, exact(3), events(1)).await.expect("the guard holds");
            wrong_version(LAW, second.append(&s, exact(3), events(1)).await);
            assert_eq!(
                reading::everything(&second).await,
                store.everything().await,
                "{LAW}: both see the same"
            );
        }
    }
    let before = store.picture().await;
    store.put(&s, events(1)).await;
    let store = store.reopen().await;
    assert_eq!(store.everything().await.len(), before.events.len() + 1, "{LAW}: the first opener goes on");
}
