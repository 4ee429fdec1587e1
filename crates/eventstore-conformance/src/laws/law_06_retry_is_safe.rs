//! Law 6: appending again with the same event ids to the same stream returns the first outcome and stores nothing twice -
//! also after a restart, also when the first answer was lost, whatever the guard. The same id with other content, or
//! only part of a batch known, is `InvalidInput`.

use eventstore_api::{
    AppendBatch, AppendCondition, Encoding, EventFilter, EventStoreBackend, ExpectedVersion, InvalidInput,
    Metadata, NewEvent, Version,
};

use crate::{
    TestStore,
    errors::{condition_failed, invalid_input, wrong_version},
    events::{event, event_type, events, exact, ids, new_ids, rich_event, stream, tags, unless},
    race::all_at_once,
    sure::Sure,
};

const LAW: &str = "law 6, retry is safe";

/// The same append again, at once and after others came behind it, answers what it answered first.
pub async fn the_same_append_again_answers_the_same(store: TestStore) {
    let s = stream("s");
    store.put(&s, events(2)).await;
    let appended = vec![rich_event(), event(), rich_event()];
    let first = store.put(&s, appended.clone()).await;
    let before = store.picture().await;
    assert_eq!(store.put(&s, appended.clone()).await, first, "{LAW}: at once");
    store.assert_unchanged(&before, LAW).await;

    store.put(&s, events(3)).await;
    store.put(&stream("another"), events(1)).await;
    let before = store.picture().await;
    assert_eq!(store.put(&s, appended).await, first, "{LAW}: after other appends");
    store.assert_unchanged(&before, LAW).await;
}

/// A retry succeeds under a guard that no longer holds, or never did.
pub async fn a_retry_succeeds_whatever_its_guard(store: TestStore) {
    let s = stream("s");
    let appended = events(2);
    let first = store.append(&s, ExpectedVersion::NoStream, appended.clone()).await.expect("the guard holds");
    let before = store.picture().await;
    for expected in [
        ExpectedVersion::NoStream,
        ExpectedVersion::Any,
        ExpectedVersion::StreamExists,
        exact(0),
        exact(1),
        exact(99),
    ] {
        let again = store.append(&s, expected, appended.clone()).await;
        assert_eq!(again.expect("a retry succeeds"), first, "{LAW}: under {expected:?}");
    }
    let batch = AppendBatch::single(s, ExpectedVersion::Any, appended).guard(stream("another"), exact(7));
    let again = store.append_all(batch).await.expect("a retry succeeds");
    assert_eq!(again, [first], "{LAW}: under a guard on another stream");
    store.assert_unchanged(&before, LAW).await;
}

/// A retry succeeds under a condition that its own events now break.
pub async fn a_retry_succeeds_whatever_its_condition(store: TestStore) {
    let s = stream("s");
    let appended = event().with_tags(tags(&["seat:12a"]));
    let batch = unless(EventFilter::tagged(tags(&["seat:12a"])), &s, appended);
    let first = store.append_all(batch.clone()).await.expect("no event has the tag yet");
    let before = store.picture().await;
    assert_eq!(store.append_all(batch.clone()).await.expect("a retry succeeds"), first, "{LAW}");
    let stricter = batch.condition(AppendCondition::none(EventFilter::all()));
    assert_eq!(store.append_all(stricter).await.expect("a retry succeeds"), first, "{LAW}");
    store.assert_unchanged(&before, LAW).await;
}

/// A batch over several streams is retried as a whole, in whatever order it names them now.
pub async fn a_batch_over_several_streams_can_be_retried(store: TestStore) {
    let (a, b, c) = (stream("a"), stream("b"), stream("c"));
    store.put(&b, events(2)).await;
    let parts = [(a, events(1)), (b, events(2)), (c, events(3))];
    let batch = |order: [usize; 3], expected: ExpectedVersion| {
        order.iter().fold(AppendBatch::new(), |batch, &index| {
            batch.append(parts[index].0.clone(), expected, parts[index].1.clone())
        })
    };
    let first = store.append_all(batch([0, 1, 2], ExpectedVersion::Any)).await.expect("no guard");
    let before = store.picture().await;
    for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
        let again = store.append_all(batch(order, exact(77))).await.expect("a retry succeeds");
        assert_eq!(again, order.map(|index| first[index].clone()), "{LAW}: streams in the order {order:?}");
    }
    store.assert_unchanged(&before, LAW).await;
}

/// Events that are all stored, next to each other, are a retry wherever an append of them began and ended.
pub async fn part_of_an_earlier_append_is_answered_with_its_own_place(store: TestStore) {
    let s = stream("s");
    let (one, two) = (events(3), events(2));
    store.put(&s, one.clone()).await;
    store.put(&s, two.clone()).await;
    let before = store.picture().await;
    let all: Vec<NewEvent> = one.into_iter().chain(two).collect();
    for (from, to) in [(0, 1), (1, 3), (2, 4), (3, 5), (0, 5)] {
        let outcome = store.put(&s, all[from..to].to_vec()).await;
        assert_eq!(
            (outcome.first_version, outcome.last_version),
            (Version::new(from as u64 + 1), Version::new(to as u64)),
            "{LAW}: events {from}..{to} of the five stored ones"
        );
        assert_eq!(outcome.first_position, before.events[from].position, "{LAW}: {outcome:?}");
        assert_eq!(outcome.last_position, before.events[to - 1].position, "{LAW}: {outcome:?}");
    }
    store.assert_unchanged(&before, LAW).await;
}

/// A batch of which some events are stored and others not is refused, wherever the new ones stand.
pub async fn a_batch_known_in_part_is_invalid(store: TestStore) {
    let (s, other) = (stream("s"), stream("other"));
    let known = events(2);
    store.put(&s, known.clone()).await;
    let before = store.picture().await;
    let (old, new) = (&known[0], event());
    for mixed in [
        vec![known[0].clone(), known[1].clone(), new.clone()],
        vec![new.clone(), known[0].clone(), known[1].clone()],
        vec![known[0].clone(), new.clone(), known[1].clone()],
        vec![new.clone(), old.clone()],
    ] {
        match invalid_input(LAW, store.append(&s, ExpectedVersion::Any, mixed).await) {
            InvalidInput::PartlyKnown { known: told, unknown } => {
                assert!(known.iter().any(|event| event.id == told), "{LAW}: {told} is not stored");
                assert_eq!(unknown, new.id, "{LAW}: the event that is not stored");
            }
            other => panic!("{LAW}: PartlyKnown should have come, and {other:?} came"),
        }
        store.assert_unchanged(&before, LAW).await;
    }
    let across = AppendBatch::new().append(other.clone(), ExpectedVersion::Any, vec![new.clone()]).append(
        s.clone(),
        ExpectedVersion::Any,
        known.clone(),
    );
    invalid_input(LAW, store.append_all(across).await);
    // Under a guard that fails too: what can never succeed is said first.
    invalid_input(LAW, store.append(&s, exact(50), vec![known[0].clone(), new]).await);
    store.assert_unchanged(&before, LAW).await;
}

/// The same id with anything else about the event changed is refused, and the event stays as it was.
pub async fn the_same_id_with_other_content_is_invalid(store: TestStore) {
    let s = stream("s");
    let stored = rich_event();
    store.put(&s, vec![stored.clone()]).await;
    let before = store.picture().await;
    let mut other_type = stored.clone();
    other_type.event_type = event_type("Another");
    let mut other_payload = stored.clone();
    other_payload.payload = vec![0_u8].into();
    let others = [
        ("type", other_type),
        ("payload", other_payload),
        ("schema version", stored.clone().with_schema_version(8)),
        ("encoding", stored.clone().with_encoding(Encoding::new(201))),
        ("metadata", stored.clone().with_metadata(stored.metadata.clone().with("user", "bob"))),
        ("no metadata", stored.clone().with_metadata(Metadata::new())),
        ("tags", stored.clone().with_tags(tags(&["student:ann"]))),
    ];
    for (what, other) in others {
        match invalid_input(LAW, store.append(&s, ExpectedVersion::Any, vec![other]).await) {
            InvalidInput::EventIdReused { stream, id, version } => {
                assert_eq!((stream, id, version), (s.clone(), stored.id, Version::new(1)), "{LAW}: {what}");
            }
            other => panic!("{LAW}: with other {what}, EventIdReused should have come, and {other:?} came"),
        }
        store.assert_unchanged(&before, LAW).await;
    }
}

/// Stored events in another order, or with others left out between them, are no retry.
pub async fn the_same_events_in_another_order_are_invalid(store: TestStore) {
    let s = stream("s");
    let stored = events(3);
    store.put(&s, stored.clone()).await;
    let before = store.picture().await;
    for order in [vec![1, 0, 2], vec![2, 1, 0], vec![1, 0], vec![0, 2]] {
        let again = order.iter().map(|&index: &usize| stored[index].clone()).collect();
        invalid_input(LAW, store.append(&s, ExpectedVersion::Any, again).await);
        store.assert_unchanged(&before, LAW).await;
    }
}

/// An id is unique in its stream only: in another stream it is another event, with content of its own.
pub async fn the_same_id_in_another_stream_is_another_event(store: TestStore) {
    let (a, b) = (stream("a"), stream("b"));
    let in_a = event();
    let in_b = rich_event().with_id(in_a.id);
    store.put(&a, vec![in_a.clone()]).await;
    let outcome = store.put(&b, vec![in_b.clone()]).await;
    assert_eq!(outcome.first_version, Version::new(1), "{LAW}");
    assert!(store.stored(&a).await[0].same_content(&in_a), "{LAW}");
    assert!(store.stored(&b).await[0].same_content(&in_b), "{LAW}");

    let shared = event();
    let batch = AppendBatch::new().append(a.clone(), ExpectedVersion::Any, vec![shared.clone()]).append(
        b.clone(),
        ExpectedVersion::Any,
        vec![shared],
    );
    let first = store.append_all(batch.clone()).await.expect("two streams may hold the same id");
    assert_eq!(store.append_all(batch).await.expect("a retry succeeds"), first, "{LAW}");
    assert_eq!(store.counts().await.total_events, 4, "{LAW}");
}

/// An append that was refused has used up no id: it can be made again under a guard that holds.
pub async fn a_refused_append_can_be_made_again(store: TestStore) {
    let s = stream("s");
    let tried = events(2);
    wrong_version(LAW, store.append(&s, exact(3), tried.clone()).await);
    wrong_version(LAW, store.append(&s, ExpectedVersion::StreamExists, tried.clone()).await);
    store.put(&stream("another"), events(1)).await;
    let batch = AppendBatch::single(s.clone(), ExpectedVersion::Any, tried.clone())
        .condition(AppendCondition::none(EventFilter::all()));
    condition_failed(LAW, store.append_all(batch).await);

    let outcome = store.append(&s, ExpectedVersion::NoStream, tried.clone()).await.expect("the guard holds");
    assert_eq!(outcome.last_version, Version::new(2), "{LAW}");
    assert_eq!(ids(&store.stored(&s).await), new_ids(&tried), "{LAW}");
}

/// A store that was closed and opened again still knows what it stored.
pub async fn a_retry_after_reopening_answers_the_same(store: TestStore) {
    let (a, b) = (stream("a"), stream("b"));
    let appended = vec![rich_event(), event()];
    let batch = AppendBatch::new().append(a.clone(), ExpectedVersion::NoStream, appended.clone()).append(
        b.clone(),
        ExpectedVersion::NoStream,
        events(1),
    );
    let first = store.append_all(batch.clone()).await.expect("the guards hold");
    let before = store.picture().await;

    let store = store.reopen().await;

    assert_eq!(store.append_all(batch).await.expect("a retry succeeds"), first, "{LAW}");
    let reused = event().with_id(appended[0].id);
    invalid_input(LAW, store.append(&a, ExpectedVersion::Any, vec![reused]).await);
    invalid_input(LAW, store.append(&a, ExpectedVersion::Any, vec![appended[1].clone(), event()]).await);
    store.assert_unchanged(&before, LAW).await;
}

/// Many tasks append the same batch at once, as an impatient client does: all get one answer, and it is stored once.
pub async fn concurrent_duplicates_are_stored_once(store: TestStore) {
    const DUPLICATES: usize = 8;
    let (a, b) = (stream("a"), stream("b"));
    for round in 0..20_u64 {
        let batch = AppendBatch::new().append(a.clone(), exact(round * 2), events(2)).append(
            b.clone(),
            exact(round),
            events(1),
        );
        let outcomes = all_at_once((0..DUPLICATES).map(|_| {
            let (backend, batch) = (store.backend(), batch.clone());
            async move { backend.append_all(batch).await }
        }))
        .await;
        let outcomes: Vec<_> =
            outcomes.into_iter().map(|outcome| outcome.expect("a duplicate succeeds")).collect();
        assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{LAW}: they differ: {outcomes:?}");
        assert_eq!(store.counts().await.total_events, (round + 1) * 3, "{LAW}: events after round {round}");
    }
}
