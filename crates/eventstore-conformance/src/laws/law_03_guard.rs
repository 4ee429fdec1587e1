//! Law 3: of any number of concurrent appends with the same `Exact(v)`, exactly one wins; losers get
//! `WrongExpectedVersion` with the true actual version. No append is ever dropped in silence.

use std::collections::HashSet;

use eventstore_api::{
    AppendBatch, AppendCondition, EventFilter, EventStoreBackend, ExpectedVersion, StoreError, Version,
};

use crate::{
    TestStore,
    errors::{condition_failed, wrong_version},
    events::{event, events, exact, ids, stream},
    race::all_at_once,
    sure::Sure,
};

const LAW: &str = "law 3, guard";

/// `Any` lets an append through to an empty stream and to one with events.
pub async fn any_holds_whatever_is_there(store: TestStore) {
    for count in 1..=3 {
        let outcome = store.append(&stream("s"), ExpectedVersion::Any, events(1)).await;
        assert_eq!(outcome.expect("Any always holds").last_version, Version::new(count), "{LAW}");
    }
}

/// `NoStream` holds for a stream without events, also where other streams have some.
pub async fn no_stream_holds_only_without_events(store: TestStore) {
    store.put(&stream("another"), events(2)).await;
    store.append(&stream("s"), ExpectedVersion::NoStream, events(2)).await.expect("the stream has no events");
    let (_, expected, actual) =
        wrong_version(LAW, store.append(&stream("s"), ExpectedVersion::NoStream, events(1)).await);
    assert_eq!((expected, actual), (ExpectedVersion::NoStream, Version::new(2)), "{LAW}");
}

/// `StreamExists` holds from the first event on.
pub async fn stream_exists_holds_only_with_events(store: TestStore) {
    store.put(&stream("another"), events(2)).await;
    let (_, expected, actual) =
        wrong_version(LAW, store.append(&stream("s"), ExpectedVersion::StreamExists, events(1)).await);
    assert_eq!((expected, actual), (ExpectedVersion::StreamExists, Version::NONE), "{LAW}");
    store.put(&stream("s"), events(1)).await;
    store
        .append(&stream("s"), ExpectedVersion::StreamExists, events(1))
        .await
        .expect("the stream has an event");
}

/// `Exact` holds at that version and at none around it, however far.
pub async fn exact_holds_only_at_that_version(store: TestStore) {
    let s = stream("s");
    store.put(&s, events(3)).await;
    for wrong in [0, 1, 2, 4, 5, u64::MAX - 1, u64::MAX] {
        let (_, expected, actual) = wrong_version(LAW, store.append(&s, exact(wrong), events(1)).await);
        assert_eq!((expected, actual), (exact(wrong), Version::new(3)), "{LAW}");
    }
    let outcome = store.append(&s, exact(3), events(2)).await.expect("the stream is at version 3");
    assert_eq!(outcome.last_version, Version::new(5), "{LAW}");
}

/// `Exact(NONE)` is another word for `NoStream`.
pub async fn exact_none_means_no_stream(store: TestStore) {
    store.append(&stream("s"), exact(0), events(1)).await.expect("the stream has no events");
    let (_, _, actual) = wrong_version(LAW, store.append(&stream("s"), exact(0), events(1)).await);
    assert_eq!(actual, Version::new(1), "{LAW}");
}

/// The error says which stream, what was expected of it, and the version it really has.
pub async fn a_failed_guard_names_the_true_version(store: TestStore) {
    let (a, b, c) = (stream("a"), stream("b"), stream("c"));
    for (stream, count) in [(&a, 1), (&b, 4), (&c, 9)] {
        store.put(stream, events(count)).await;
    }
    let batch = AppendBatch::new()
        .append(a.clone(), exact(1), events(2))
        .append(b.clone(), exact(3), events(1))
        .guard(c.clone(), exact(9));
    assert_eq!(wrong_version(LAW, store.append_all(batch).await), (b, exact(3), Version::new(4)), "{LAW}");

    let batch = AppendBatch::single(a, exact(1), events(2)).guard(c.clone(), exact(8));
    assert_eq!(wrong_version(LAW, store.append_all(batch).await), (c, exact(8), Version::new(9)), "{LAW}");
}

/// Guards are checked in the order in which they stand, those of the appends first, and the condition after them.
pub async fn the_first_guard_that_fails_is_named(store: TestStore) {
    store.put(&stream("there"), events(1)).await;
    let impossible = AppendCondition::none(EventFilter::all());
    let batch = AppendBatch::new()
        .append(stream("a"), ExpectedVersion::NoStream, events(1))
        .append(stream("b"), exact(7), events(1))
        .append(stream("c"), exact(8), events(1))
        .guard(stream("d"), exact(9))
        .condition(impossible.clone());
    let (named, ..) = wrong_version(LAW, store.append_all(batch).await);
    assert_eq!(named, stream("b"), "{LAW}: two guards of appends fail, and this one stands first");

    let batch = AppendBatch::single(stream("a"), ExpectedVersion::NoStream, events(1))
        .guard(stream("d"), exact(9))
        .guard(stream("e"), exact(9))
        .condition(impossible.clone());
    let (named, ..) = wrong_version(LAW, store.append_all(batch).await);
    assert_eq!(named, stream("d"), "{LAW}: two guards fail, and this one stands first");

    let batch = AppendBatch::single(stream("a"), ExpectedVersion::NoStream, events(1))
        .guard(stream("d"), ExpectedVersion::NoStream)
        .condition(impossible);
    condition_failed(LAW, store.append_all(batch).await);
}

/// Sixteen tasks append at the same version, round after round: one wins, and the others hear where the stream is.
pub async fn of_concurrent_appends_at_one_version_one_wins(store: TestStore) {
    const TASKS: usize = 16;
    let s = stream("contested");
    for round in 0..25_u64 {
        let outcomes = all_at_once((0..TASKS).map(|_| {
            let (backend, s) = (store.backend(), s.clone());
            async move { backend.append(&s, exact(round), events(1)).await }
        }))
        .await;
        let winners = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(winners, 1, "{LAW}: {winners} of {TASKS} appends at version {round} won");
        for lost in outcomes.into_iter().filter(Result::is_err) {
            let (_, expected, actual) = wrong_version(LAW, lost);
            assert_eq!(
                (expected, actual),
                (exact(round), Version::new(round + 1)),
                "{LAW}: the loser hears the true version"
            );
        }
        assert_eq!(store.stored(&s).await.len() as u64, round + 1, "{LAW}: the winner alone is stored");
    }
}

/// Two batches, each of which writes what the other guards: one of them wins, in every round.
pub async fn guards_on_unwritten_streams_exclude_each_other(store: TestStore) {
    for round in 0..25 {
        let (x, y) = (stream(&format!("x-{round}")), stream(&format!("y-{round}")));
        let outcomes = all_at_once([(x.clone(), y.clone()), (y, x)].map(|(written, watched)| {
            let backend = store.backend();
            async move {
                let batch = AppendBatch::single(written, ExpectedVersion::NoStream, events(1))
                    .guard(watched, ExpectedVersion::NoStream);
                backend.append_all(batch).await
            }
        }))
        .await;
        let winners = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(winners, 1, "{LAW}: {winners} of two appends won, each guarding what the other writes");
    }
}

/// Tasks that read, decide and try again until they win: every one of their events is there in the end, once.
pub async fn no_append_is_dropped_in_silence(store: TestStore) {
    const TASKS: usize = 8;
    const APPENDS: usize = 12;
    let s = stream("counter");
    let acknowledged = all_at_once((0..TASKS).map(|_| {
        let (backend, s) = (store.backend(), s.clone());
        async move {
            let mut acknowledged = Vec::new();
            let mut at = Version::NONE;
            for _ in 0..APPENDS {
                let next = event();
                acknowledged.push(next.id);
                loop {
                    match backend.append(&s, ExpectedVersion::Exact(at), vec![next.clone()]).await {
                        Ok(outcome) => {
                            assert_eq!(
                                outcome.first_version,
                                at.next(),
                                "{LAW}: it went where its guard said"
                            );
                            at = outcome.last_version;
                            break;
                        }
                        Err(StoreError::WrongExpectedVersion { actual, .. }) => {
                            assert!(actual > at, "{LAW}: at {actual} now, after having been at {at}");
                            at = actual;
                        }
                        Err(error) => panic!("{LAW}: neither stored nor refused: {error:?}"),
                    }
                }
            }
            acknowledged
        }
    }))
    .await;
    let acknowledged: HashSet<_> = acknowledged.into_iter().flatten().collect();
    let stored = ids(&store.stored(&s).await);
    assert_eq!(stored.len(), TASKS * APPENDS, "{LAW}: as many events as were acknowledged");
    assert_eq!(stored.into_iter().collect::<HashSet<_>>(), acknowledged, "{LAW}: and the same ones");
}
