//! Law 7: what `append` returned `Ok` for survives. Here by closing and reopening; pulling the plug is for the backend's
//! own tests, which know where its plug is.
//!
//! On a volatile store nothing is closed: what is left to prove is that the acknowledged is there, and stays.

use eventstore_api::{
    AppendBatch, EventFilter, EventStoreBackend, EventType, ExpectedVersion, GlobalPosition, ReadAll,
    Snapshot, Subscription, Version,
};

use crate::{
    TestStore,
    errors::wrong_version,
    events::{events, exact, ids, rich_event, stream, tagged, with_tag, with_type},
    race::all_at_once,
    reading,
    sure::Sure,
};

const LAW: &str = "law 7, acknowledged is durable";

/// Every event is there again with all that belongs to it, in the same places.
pub async fn events_are_there_after_reopening(store: TestStore) {
    let batch = AppendBatch::new()
        .append(stream("a"), ExpectedVersion::Any, vec![rich_event(), rich_event()])
        .append(stream("\u{1f6eb} flug"), ExpectedVersion::Any, events(3));
    store.append_all(batch).await.expect("no guard");
    store.put(&stream("a"), events(70)).await;
    let before = store.picture().await;
    let by_stream = store.stored(&stream("a")).await;

    let store = store.reopen().await;

    store.assert_unchanged(&before, LAW).await;
    assert_eq!(store.stored(&stream("a")).await, by_stream, "{LAW}: a stream read alone");
}

/// The last append counts as much as the first: nothing after it is needed to make it durable.
pub async fn the_last_acknowledged_append_is_there(store: TestStore) {
    let mut store = store;
    let s = stream("s");
    for round in 0..6_u64 {
        let outcome = store.append(&s, exact(round), events(1)).await.expect("the guard holds");
        store = store.reopen().await;
        let last = store.everything().await.pop();
        assert_eq!(
            last.map(|event| event.position),
            Some(outcome.last_position),
            "{LAW}: the append of version {} was acknowledged",
            outcome.last_version
        );
    }
}

/// What many tasks were told is stored is all there, though nobody called `flush`.
pub async fn concurrent_appends_are_there_after_reopening(store: TestStore) {
    let acknowledged = all_at_once((0..8).map(|task| {
        let backend = store.backend();
        async move {
            let mut acknowledged = Vec::new();
            for _ in 0..12 {
                acknowledged.push(backend.put(&stream(&format!("s-{task}")), events(2)).await);
            }
            acknowledged
        }
    }))
    .await;

    let store = store.reopen().await;

    for outcome in acknowledged.into_iter().flatten() {
        let stored = store.stored(&outcome.stream).await;
        let last = stored.iter().find(|event| event.version == outcome.last_version);
        assert_eq!(
            last.map(|event| event.position),
            Some(outcome.last_position),
            "{LAW}: {outcome:?} is gone"
        );
    }
    assert_eq!(store.counts().await.total_events, 192, "{LAW}");
}

/// Snapshots survive as events do.
pub async fn snapshots_are_there_after_reopening(store: TestStore) {
    let state = EventType::new("State").unwrap();
    let snapshot = |name: &str, version, payload: &'static str| {
        Snapshot::new(stream(name), Version::new(version), state.clone(), payload)
    };
    for saved in [
        snapshot("a", 3, "old"),
        snapshot("a", 9, "new"),
        snapshot("b", 1, "other"),
        snapshot("a", 4, "late"),
    ] {
        store.save_snapshot(saved).await.expect("a snapshot can be saved");
    }

    let store = store.reopen().await;

    let kept = store.get_latest_snapshot(&stream("a")).await.expect("a snapshot can be read");
    assert_eq!(kept, Some(snapshot("a", 9, "new")), "{LAW}");
    let kept = store.get_latest_snapshot(&stream("b")).await.expect("a snapshot can be read");
    assert_eq!(kept, Some(snapshot("b", 1, "other")), "{LAW}");
    assert_eq!(store.counts().await.total_snapshots, 2, "{LAW}");
}

/// A checkpoint that a reader kept is good after a restart, and a subscription goes on from it without seam.
pub async fn checkpoints_outlive_reopening(store: TestStore) {
    store.put(&stream("a"), events(10)).await;
    let mut first =
        Subscription::new(store.backend(), GlobalPosition::START, EventFilter::all()).with_page_size(4);
    let mut heard = Vec::new();
    for _ in 0..6 {
        heard.push(first.next().await.expect("there are ten events"));
    }
    let checkpoint = first.position();
    drop(first);

    let store = store.reopen().await;

    store.put(&stream("b"), events(10)).await;
    let mut second = Subscription::new(store.backend(), checkpoint, EventFilter::all()).with_page_size(4);
    for _ in 0..14 {
        heard.push(second.next().await.expect("there are fourteen more"));
    }
    assert_eq!(ids(&heard), ids(&store.everything().await), "{LAW}: heard before and after");
}

/// Guards, filters and positions work on what was stored before as they do on what is stored now.
pub async fn a_reopened_store_goes_on_as_before(store: TestStore) {
    store.put(&stream("a"), vec![tagged(&["colour:red"]), tagged(&["colour:blue"])]).await;
    let head = store.counts().await.head;

    let store = store.reopen().await;

    wrong_version(LAW, store.append(&stream("a"), ExpectedVersion::NoStream, events(1)).await);
    let outcome = store.append(&stream("a"), exact(2), vec![tagged(&["colour:red"])]).await;
    let outcome = outcome.expect("the guard holds");
    assert!(outcome.first_position > head, "{LAW}: a new event lies behind the old ones");
    let red = reading::every(&*store, ReadAll::forward().filter(with_tag("colour:red"))).await;
    assert_eq!(red.len(), 2, "{LAW}: by tag, from before and after");
    let all = reading::every(&*store, ReadAll::backward().filter(with_type("Happened"))).await;
    assert_eq!(all.len(), 3, "{LAW}: by type, from before and after");
    let recorded: Vec<_> = all.iter().map(|event| event.recorded_at).collect();
    assert!(recorded.is_sorted_by(|later, earlier| later >= earlier), "{LAW}: recorded_at ran backwards");
}

/// Closing and opening changes nothing, however often, also where there is nothing.
pub async fn reopening_again_and_again_changes_nothing(store: TestStore) {
    let mut store = store;
    for round in 0..4 {
        let before = store.picture().await;
        store = store.reopen().await;
        store.assert_unchanged(&before, LAW).await;
        store = store.reopen().await;
        store.assert_unchanged(&before, LAW).await;
        if round > 0 {
            store.put(&stream("s"), events(round)).await;
        }
    }
}

/// `flush` succeeds when there is nothing to do, when there is, and next to appends; and changes nothing that is read.
pub async fn flush_changes_nothing_that_is_read(store: TestStore) {
    store.flush().await.expect("an empty store can be flushed");
    store.put(&stream("s"), events(5)).await;
    let before = store.picture().await;
    store.flush().await.expect("a store can be flushed");
    store.flush().await.expect("a flushed store can be flushed");
    store.assert_unchanged(&before, LAW).await;

    all_at_once((0..4).map(|task| {
        let backend = store.backend();
        async move {
            for _ in 0..5 {
                backend.put(&stream(&format!("s-{task}")), events(1)).await;
                backend.flush().await.expect("a store can be flushed while others append");
            }
        }
    }))
    .await;
    let store = store.reopen().await;
    assert_eq!(store.counts().await.total_events, 25, "{LAW}");
}
