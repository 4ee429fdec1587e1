//! Law 2: a stream's versions are 1, 2, 3, ... with no hole and no repeat.

use eventstore_api::{AppendBatch, EventFilter, EventStoreBackend, ExpectedVersion, Version};

use crate::{
    TestStore,
    errors::{condition_failed, invalid_input, wrong_version},
    events::{event, events, exact, stream, unless, versions},
    race::all_at_once,
    sure::Sure,
};

const LAW: &str = "law 2, dense versions";

/// Appends of every size continue where the stream ended.
pub async fn versions_count_from_one_without_holes(store: TestStore) {
    let account = stream("account-1");
    let mut expected = 0;
    for size in [1_u64, 3, 1, 7, 2, 64] {
        let outcome = store.put(&account, events(usize::try_from(size).unwrap())).await;
        assert_eq!(
            (outcome.first_version.get(), outcome.last_version.get()),
            (expected + 1, expected + size),
            "{LAW}: {size} events were appended to a stream at version {expected}"
        );
        expected += size;
    }
    assert_eq!(versions(&store.stored(&account).await), (1..=expected).collect::<Vec<_>>(), "{LAW}");
}

/// Streams do not take versions from each other, neither one after the other nor in one batch.
pub async fn every_stream_counts_for_itself(store: TestStore) {
    let streams = ["one", "two", "three"].map(stream);
    for round in 0..4 {
        for stream in &streams {
            store.put(stream, events(round % 3 + 1)).await;
        }
        let batch = streams.iter().fold(AppendBatch::new(), |batch, stream| {
            batch.append(stream.clone(), ExpectedVersion::Any, events(2))
        });
        store.append_all(batch).await.expect("an append without guard succeeds");
    }
    for stream in &streams {
        let stored = versions(&store.stored(stream).await);
        assert_eq!(stored, (1..=15).collect::<Vec<_>>(), "{LAW}: versions of {stream}");
    }
}

/// What an append answers is what a reader then finds.
pub async fn outcomes_name_the_versions_that_are_read(store: TestStore) {
    let (a, b) = (stream("a"), stream("b"));
    store.put(&a, events(2)).await;
    let batch = AppendBatch::new().append(b.clone(), ExpectedVersion::Any, events(3)).append(
        a.clone(),
        ExpectedVersion::Any,
        events(4),
    );
    for outcome in store.append_all(batch).await.expect("an append without guard succeeds") {
        let stored = store.stored(&outcome.stream).await;
        let of = |version: Version| stored.iter().find(|event| event.version == version);
        let first = of(outcome.first_version);
        let last = of(outcome.last_version);
        assert_eq!(first.map(|event| event.position), Some(outcome.first_position), "{LAW}: {outcome:?}");
        assert_eq!(last.map(|event| event.position), Some(outcome.last_position), "{LAW}: {outcome:?}");
        assert_eq!(stored.last(), last, "{LAW}: {} ends with what was appended last", outcome.stream);
    }
}

/// A refused append uses up no version, whatever it was refused for.
pub async fn a_refused_append_leaves_no_hole(store: TestStore) {
    let account = stream("account-1");
    let taken = event();
    store.put(&account, vec![taken.clone()]).await;

    wrong_version(LAW, store.append(&account, exact(5), events(3)).await);
    condition_failed(LAW, store.append_all(unless(EventFilter::all(), &account, event())).await);
    invalid_input(LAW, store.append(&account, ExpectedVersion::Any, vec![event().with_id(taken.id)]).await);
    invalid_input(LAW, store.append(&account, ExpectedVersion::Any, Vec::new()).await);

    assert_eq!(store.put(&account, events(1)).await.first_version, Version::new(2), "{LAW}");
    assert_eq!(versions(&store.stored(&account).await), [1, 2], "{LAW}");
}

/// Appending the same events again uses up no version.
pub async fn a_retry_leaves_no_hole(store: TestStore) {
    let account = stream("account-1");
    let first = events(2);
    store.put(&account, first.clone()).await;
    for _ in 0..3 {
        store.put(&account, first.clone()).await;
    }
    assert_eq!(store.put(&account, events(1)).await.first_version, Version::new(3), "{LAW}");
    assert_eq!(versions(&store.stored(&account).await), [1, 2, 3], "{LAW}");
}

/// Many tasks append to the same few streams; each version goes to exactly one event.
pub async fn concurrent_appends_leave_no_hole_and_no_repeat(store: TestStore) {
    const TASKS: u64 = 8;
    const APPENDS: u64 = 30;
    let streams = ["hot", "warm"].map(stream);
    let writers = (0..TASKS).map(|_| {
        let (backend, streams) = (store.backend(), streams.clone());
        async move {
            for round in 0..APPENDS {
                for stream in &streams {
                    backend.put(stream, events(usize::try_from(round % 2 + 1).unwrap())).await;
                }
            }
        }
    });
    all_at_once(writers).await;
    let all = TASKS * (APPENDS / 2) * 3;
    for stream in &streams {
        let stored = versions(&store.stored(stream).await);
        assert_eq!(stored, (1..=all).collect::<Vec<_>>(), "{LAW}: versions of {stream}");
    }
}

/// A stream goes on counting where it was when the store was closed.
pub async fn versions_go_on_after_reopening(store: TestStore) {
    let account = stream("account-1");
    let mut store = store;
    for round in 0..3_u64 {
        let outcome = store.append(&account, exact(round * 2), events(2)).await.expect("the guard holds");
        assert_eq!(outcome.first_version, Version::new(round * 2 + 1), "{LAW}");
        store = store.reopen().await;
    }
    assert_eq!(versions(&store.stored(&account).await), [1, 2, 3, 4, 5, 6], "{LAW}");
}
