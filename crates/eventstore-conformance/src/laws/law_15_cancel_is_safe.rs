//! Law 15: a dropped `append` future either happened wholly or not at all, and the backend stays usable.

use eventstore_api::{
    AppendBatch, EventFilter, EventId, EventStoreBackend, ExpectedVersion, GlobalPosition, ReadAll,
    RecordedEvent, StreamRange, Subscription, Version,
};

use crate::{
    TestStore,
    events::{event, events, ids, new_ids, stream, tagged, unless, versions, with_tag},
    polling::dropped_after,
    race::{all_at_once, finished},
    reading,
    sure::Sure,
};

const LAW: &str = "law 15, cancel is safe";

/// The most polls after which an append is dropped: enough to be in the middle of any that is not done by then.
const MOST_POLLS: usize = 24;

/// An append to several streams is dropped after every number of polls: it is there in all of them or in none, and
/// making it again settles which.
pub async fn a_dropped_append_is_there_wholly_or_not_at_all(store: TestStore) {
    for polls in 0..MOST_POLLS {
        let streams = ["a", "b", "c"].map(|name| stream(&format!("{name}-{polls}")));
        let parts = [events(1), events(2), events(3)];
        let batch = streams.iter().zip(&parts).fold(AppendBatch::new(), |batch, (stream, events)| {
            batch.append(stream.clone(), ExpectedVersion::NoStream, events.clone())
        });
        let answer = dropped_after(polls, store.append_all(batch.clone())).await;

        let there = store.everything().await.iter().filter(|event| streams.contains(&event.stream)).count();
        assert!(
            there == 0 || there == 6,
            "{LAW}: dropped after {polls} polls, {there} of 6 events are there"
        );
        if let Some(outcome) = &answer {
            assert!(
                outcome.is_ok() && there == 6,
                "{LAW}: answered {outcome:?}, and {there} events are there"
            );
        }

        store.append_all(batch).await.expect("making it again succeeds, whether it had happened or not");
        for (stream, part) in streams.iter().zip(&parts) {
            assert_eq!(
                ids(&store.stored(stream).await),
                new_ids(part),
                "{LAW}: {stream} after making it again"
            );
        }
    }
}

/// After any number of dropped appends, guards, positions, counts and readers work as if nothing had been.
pub async fn the_store_stays_usable(store: TestStore) {
    let s = stream("s");
    for polls in 0..MOST_POLLS {
        drop(dropped_after(polls, store.append(&s, ExpectedVersion::Any, events(2))).await);
        drop(dropped_after(polls, store.append_all(unless(with_tag("k:v"), &s, tagged(&["k:v"])))).await);
        drop(dropped_after(polls, store.stats()).await);
        drop(dropped_after(polls, store.flush()).await);
        drop(dropped_after(polls, store.read_stream(&s, StreamRange::all())).await);
        drop(dropped_after(polls, store.read_all(&ReadAll::forward())).await);
        drop(dropped_after(polls, store.get_latest_snapshot(&s)).await);
        store.put(&stream("other"), events(1)).await;
    }
    // What was dropped may still be under way: whoever appends under a guard tries until the stream stands still.
    let mut at = Version::new(store.stored(&s).await.len() as u64);
    let last = event();
    while let Err(error) = store.append(&s, ExpectedVersion::Exact(at), vec![last.clone()]).await {
        let (_, _, actual) = crate::errors::wrong_version::<()>(LAW, Err(error));
        assert!(actual > at, "{LAW}: the stream is at {actual} after having been at {at}");
        at = actual;
    }
    let stored = store.stored(&s).await;
    assert_eq!(versions(&stored), (1..=stored.len() as u64).collect::<Vec<_>>(), "{LAW}: dense versions");
    let conditioned = stored.iter().filter(|event| event.tags.contains("k:v")).count();
    assert!(conditioned <= 1, "{LAW}: {conditioned} events under a condition that lets one through");
    let stats = store.counts().await;
    let counted = store.everything().await.iter().filter(|event| event.position <= stats.head).count();
    assert_eq!(stats.total_events, counted as u64, "{LAW}: exact counts");
}

/// Appends in tasks that are aborted at any moment, while others go on: every batch is whole.
pub async fn aborted_tasks_leave_whole_batches(store: TestStore) {
    const TASKS: usize = 40;
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let backend = store.backend();
            tokio::spawn(async move {
                for round in 0..10 {
                    let batch = AppendBatch::new()
                        .append(stream("left"), ExpectedVersion::Any, events(2))
                        .append(stream(&format!("own-{task}-{round}")), ExpectedVersion::NoStream, events(1))
                        .append(stream("right"), ExpectedVersion::Any, events(2));
                    backend.append_all(batch).await.expect("the guards hold");
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for (number, task) in tasks.iter().enumerate() {
        if number % 2 == 0 {
            task.abort();
        }
        tokio::task::yield_now().await;
    }
    for task in tasks {
        match task.await {
            Ok(()) => {}
            Err(aborted) if aborted.is_cancelled() => {}
            Err(failed) => std::panic::resume_unwind(failed.into_panic()),
        }
    }
    let all = store.everything().await;
    let count = |name: &str| all.iter().filter(|event| event.stream.as_str().starts_with(name)).count();
    let (left, own, right) = (count("left"), count("own-"), count("right"));
    assert!(
        left == right && left == own * 2,
        "{LAW}: {left}, {own} and {right} events, where batches write 2, 1 and 2"
    );
}

/// A retry that is dropped is still only a retry.
pub async fn a_dropped_retry_stores_nothing(store: TestStore) {
    let appended = events(3);
    let first = store.put(&stream("s"), appended.clone()).await;
    let before = store.picture().await;
    for polls in 0..MOST_POLLS {
        drop(
            dropped_after(polls, store.append(&stream("s"), ExpectedVersion::NoStream, appended.clone()))
                .await,
        );
    }
    assert_eq!(store.put(&stream("s"), appended).await, first, "{LAW}");
    store.assert_unchanged(&before, LAW).await;
}

/// A wait that is dropped misses nothing: the next wait ends as soon as it should.
pub async fn a_dropped_wait_loses_nothing(store: TestStore) {
    let mut head = GlobalPosition::START;
    for round in 0..20 {
        for polls in 0..5 {
            let early = dropped_after(polls, store.wait_past(head)).await;
            assert!(early.is_none(), "{LAW}: waiting past the head ended at {early:?}");
        }
        let backend = store.backend();
        let waiter = tokio::spawn(async move { backend.wait_past(head).await.expect("one can wait") });
        if round % 2 == 0 {
            tokio::task::yield_now().await;
        }
        head = store.put(&stream("s"), events(1)).await.last_position;
        assert_eq!(finished(waiter.await), head, "{LAW}");
        let at_once = store.wait_past(GlobalPosition::START).await.expect("there is an event");
        assert_eq!(at_once, head, "{LAW}");
    }
}

/// A subscription whose `next` is dropped again and again, while others append, still hands out every event once.
pub async fn a_dropped_next_loses_no_event(store: TestStore) {
    const WRITTEN: usize = 4 * 40 * 2;
    let subscription = Subscription::new(store.backend(), GlobalPosition::START, EventFilter::all());
    let mut subscription = subscription.with_page_size(5);
    let listener = tokio::spawn(async move {
        let mut heard: Vec<RecordedEvent> = Vec::new();
        // A store that asks a server takes more polls than one in memory: a round in which nothing is heard is followed by
        // one that has more patience.
        let (mut polls, mut most, mut is_heard) = (0, 4, false);
        while heard.len() < WRITTEN {
            if let Some(next) = dropped_after(polls, subscription.next()).await {
                heard.push(next.expect("a subscription can be heard"));
                is_heard = true;
            }
            if polls == 0 {
                tokio::task::yield_now().await;
            }
            polls += 1;
            if polls >= most {
                most = if is_heard { 4 } else { most * 2 };
                (polls, is_heard) = (0, false);
            }
        }
        heard
    });
    all_at_once((0..4).map(|task| {
        let backend = store.backend();
        async move {
            for _ in 0..40 {
                backend.put(&stream(&format!("s-{task}")), events(2)).await;
                tokio::task::yield_now().await;
            }
        }
    }))
    .await;
    let heard: Vec<EventId> = ids(&finished(listener.await));
    assert_eq!(heard, ids(&reading::everything(&*store).await), "{LAW}: heard and stored");
}
