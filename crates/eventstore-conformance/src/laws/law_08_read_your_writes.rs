//! Law 8: after `Ok`, every reader of the same backend sees the events.

use std::sync::Arc;

use eventstore_api::{
    AppendBatch, Appended, EventFilter, EventId, EventStoreBackend, EventType, ExpectedVersion,
    GlobalPosition, ReadAll, Snapshot, StreamRange, Subscription, Version,
};
use tokio::sync::mpsc;

use crate::{
    TestStore,
    events::{events, ids, new_ids, stream, tags, typed, with_tag, with_type},
    race::{all_at_once, finished},
    reading,
    sure::Sure,
};

const LAW: &str = "law 8, read your writes";

/// Each way of reading, the first time it is used after an append, shows what was appended.
pub async fn every_way_of_reading_shows_an_append_at_once(store: TestStore) {
    let s = stream("flight-1");
    let mut subscription = Subscription::new(store.backend(), GlobalPosition::START, EventFilter::all());
    // Each way comes first once, so that none is helped by another that was there before it.
    for first in 0..11_usize {
        let new = typed("Moved").with_tags(tags(&["colour:red"]));
        let id = new.id;
        let outcome = store.put(&s, vec![new]).await;
        for way in (first..11).chain(0..first) {
            let seen = match way {
                0 => reading::range(&*store, &s, StreamRange::all()).await.pop(),
                1 => {
                    let last = StreamRange::backward().limit(1);
                    store.read_stream(&s, last).await.expect("it can be read").events.pop()
                }
                2 => store.stored(&s).await.pop(),
                3 => {
                    let before = Version::new(outcome.last_version.get() - 1);
                    store.get_events_after(&s, before).await.expect("it can be read").pop()
                }
                4 => reading::everything(&*store).await.pop(),
                5 => {
                    store.read_all(&ReadAll::backward().limit(1)).await.expect("it can be read").events.pop()
                }
                6 => reading::every(&*store, ReadAll::forward().filter(with_type("Moved"))).await.pop(),
                7 => reading::every(&*store, ReadAll::forward().filter(with_tag("colour:red"))).await.pop(),
                8 => {
                    let flights = EventFilter::stream_prefix("flight-");
                    reading::every(&*store, ReadAll::forward().filter(flights)).await.pop()
                }
                9 => store.get_all_events().await.expect("it can be read").pop(),
                _ => {
                    let mut last = None;
                    while let Some(event) = subscription.next_stored().await.expect("it can be read") {
                        last = Some(event);
                    }
                    last
                }
            };
            assert_eq!(seen.map(|event| event.id), Some(id), "{LAW}: way {way} to read, after {outcome:?}");
        }
    }
}

/// Counts and the head move with the append that moved them.
pub async fn counts_and_head_show_an_append_at_once(store: TestStore) {
    for round in 1..=20_u64 {
        let outcome = store.put(&stream(&format!("s-{round}")), events(2)).await;
        let stats = store.counts().await;
        assert_eq!((stats.total_events, stats.total_streams), (round * 2, round), "{LAW}");
        assert_eq!(stats.head, outcome.last_position, "{LAW}: the head after an append");
        let before = GlobalPosition::new(outcome.first_position.get() - 1);
        let head = store.wait_past(before).await.expect("there is an event to wait for");
        assert_eq!(head, outcome.last_position, "{LAW}: wait_past answers with the last position");
    }
}

/// A guard sees what was acknowledged: the next one appends at the version that was answered.
pub async fn guards_see_an_append_at_once(store: TestStore) {
    let s = stream("s");
    let mut at = ExpectedVersion::NoStream;
    for _ in 0..30 {
        let outcome = store.append(&s, at, events(2)).await.expect("the guard was just answered");
        at = ExpectedVersion::Exact(outcome.last_version);
    }
}

/// Who is told of an append by the one who made it, in another task, can read it.
pub async fn another_task_sees_what_it_is_told_of(store: TestStore) {
    let (tell, mut told) = mpsc::unbounded_channel::<(Appended, Vec<EventId>)>();
    let reader = tokio::spawn({
        let backend = store.backend();
        async move {
            let mut count = 0;
            while let Some((outcome, appended)) = told.recv().await {
                let before = Version::new(outcome.first_version.get() - 1);
                let seen = backend.get_events_after(&outcome.stream, before).await.expect("it can be read");
                assert!(ids(&seen).starts_with(&appended), "{LAW}: {outcome:?} was told of and is not there");
                count += 1;
            }
            count
        }
    });
    all_at_once((0..6).map(|task| {
        let (backend, tell) = (store.backend(), tell.clone());
        async move {
            for round in 0..25 {
                let appended = events(round % 3 + 1);
                let sent = new_ids(&appended);
                let outcome = backend.put(&stream(&format!("s-{}", task % 3)), appended).await;
                tell.send((outcome, sent)).expect("the reader listens");
            }
        }
    }))
    .await;
    drop(tell);
    assert_eq!(finished(reader.await), 150, "{LAW}");
}

/// Next to others who write, each writer finds its own events at once, by stream and in the order of all.
pub async fn writers_read_their_own_writes_under_load(store: TestStore) {
    all_at_once((0..6).map(|task| {
        let backend = store.backend();
        async move {
            let own = stream(&format!("s-{task}"));
            for _ in 0..25 {
                let batch = AppendBatch::new()
                    .append(stream("shared"), ExpectedVersion::Any, events(1))
                    .append(own.clone(), ExpectedVersion::Any, events(2));
                let outcomes = backend.append_all(batch).await.expect("no guard");
                for outcome in outcomes {
                    let before = Version::new(outcome.first_version.get() - 1);
                    let seen =
                        backend.get_events_after(&outcome.stream, before).await.expect("it can be read");
                    assert_eq!(seen[0].position, outcome.first_position, "{LAW}: {outcome:?} by stream");
                    let before =
                        ReadAll::after(GlobalPosition::new(outcome.last_position.get() - 1)).limit(1);
                    let page = backend.read_all(&before).await.expect("it can be read");
                    let seen = page.events.first().map(|event| event.position);
                    assert_eq!(seen, Some(outcome.last_position), "{LAW}: {outcome:?} in the order of all");
                }
            }
        }
    }))
    .await;
}

/// A snapshot is there once saving it was answered.
pub async fn a_snapshot_is_there_at_once(store: TestStore) {
    for version in 1..=20 {
        let state = EventType::new("State").unwrap();
        let saved = Snapshot::new(stream("s"), Version::new(version), state, format!("state {version}"));
        store.save_snapshot(saved.clone()).await.expect("a snapshot can be saved");
        let kept = store.get_latest_snapshot(&stream("s")).await.expect("a snapshot can be read");
        assert_eq!(kept, Some(saved), "{LAW}");
    }
}

/// The same store behind `Arc<dyn EventStoreBackend>` is the same store.
pub async fn a_dyn_handle_is_the_same_store(store: TestStore) {
    let dynamic: Arc<dyn EventStoreBackend> = store.backend();
    let s = stream("s");
    store.put(&s, events(2)).await;
    let outcome = dynamic.append(&s, ExpectedVersion::Exact(Version::new(2)), events(1)).await;
    assert_eq!(outcome.expect("the guard holds").last_version, Version::new(3), "{LAW}");
    assert_eq!(dynamic.stored(&s).await, store.stored(&s).await, "{LAW}");
    assert_eq!(dynamic.get_all_events().await.expect("it can be read"), store.everything().await, "{LAW}");
    assert_eq!(dynamic.counts().await, store.counts().await, "{LAW}");
    let mut subscription = Subscription::new(dynamic, GlobalPosition::START, EventFilter::all());
    assert_eq!(subscription.next().await.expect("there are events").stream, s, "{LAW}");
}
