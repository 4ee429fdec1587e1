//! Law 13: counts equal what a full read counts.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use eventstore_api::{
    AppendBatch, AppendCondition, BackendStats, EventFilter, EventStoreBackend, ExpectedVersion,
    GlobalPosition, RecordedEvent, StreamId, StreamRange,
};

use crate::{
    TestStore,
    errors::{condition_failed, invalid_input, wrong_version},
    events::{event, events, exact, stream},
    laws::law_10_snapshots::snapshot,
    race::{all_at_once, finished},
    reading,
    sure::Sure,
};

const LAW: &str = "law 13, stats are exact";

/// Where nothing was stored, nothing is counted.
pub async fn an_empty_store_counts_nothing(store: TestStore) {
    assert_eq!(store.counts().await, BackendStats::new(0, 0, 0, GlobalPosition::START), "{LAW}");
}

/// After every append, of one event or many, to one stream or several.
pub async fn counts_follow_every_append(store: TestStore) {
    for round in 0..12 {
        store.put(&stream(&format!("s-{}", round % 5)), events(round % 4 + 1)).await;
        assert_counts(&store, 0).await;
        let batch = AppendBatch::new().append(stream("shared"), ExpectedVersion::Any, events(2)).append(
            stream(&format!("t-{round}")),
            ExpectedVersion::NoStream,
            events(1),
        );
        store.append_all(batch).await.expect("the guards hold");
        assert_counts(&store, 0).await;
    }
}

/// What was refused does not count, for whatever reason: neither its events nor its streams.
pub async fn refused_appends_do_not_count(store: TestStore) {
    let taken = event();
    store.put(&stream("s"), vec![taken.clone()]).await;
    let before = store.counts().await;
    let any = ExpectedVersion::Any;

    wrong_version(LAW, store.append(&stream("s"), exact(9), events(2)).await);
    wrong_version(LAW, store.append(&stream("new-1"), ExpectedVersion::StreamExists, events(2)).await);
    let batch =
        AppendBatch::new().append(stream("new-2"), any, events(2)).append(stream("s"), exact(0), events(1));
    wrong_version(LAW, store.append_all(batch).await);
    let batch = AppendBatch::single(stream("new-3"), any, events(1)).guard(stream("s"), exact(0));
    wrong_version(LAW, store.append_all(batch).await);
    let batch = AppendBatch::single(stream("new-4"), any, events(1))
        .condition(AppendCondition::none(EventFilter::all()));
    condition_failed(LAW, store.append_all(batch).await);
    let batch = AppendBatch::new().append(stream("new-5"), any, events(1)).append(
        stream("s"),
        any,
        vec![event().with_id(taken.id)],
    );
    invalid_input(LAW, store.append_all(batch).await);

    assert_eq!(store.counts().await, before, "{LAW}");
    assert_counts(&store, 0).await;
}

/// A retry counts nothing again.
pub async fn retries_do_not_count(store: TestStore) {
    let batch = AppendBatch::new().append(stream("a"), ExpectedVersion::NoStream, events(2)).append(
        stream("b"),
        ExpectedVersion::NoStream,
        events(3),
    );
    store.append_all(batch.clone()).await.expect("the guards hold");
    let before = store.counts().await;
    for _ in 0..5 {
        store.append_all(batch.clone()).await.expect("a retry succeeds");
    }
    assert_eq!(store.counts().await, before, "{LAW}");
    assert_counts(&store, 0).await;
}

/// Reading, waiting for or guarding a stream does not make one.
pub async fn looking_at_a_stream_does_not_count(store: TestStore) {
    store.stored(&stream("read")).await;
    store.read_stream(&stream("read-2"), StreamRange::backward()).await.expect("it reads as empty");
    store.get_latest_snapshot(&stream("read-3")).await.expect("it reads as none");
    let batch = AppendBatch::single(stream("written"), ExpectedVersion::NoStream, events(1))
        .guard(stream("guarded"), ExpectedVersion::NoStream);
    store.append_all(batch).await.expect("the guards hold");
    let stats = store.counts().await;
    assert_eq!((stats.total_events, stats.total_streams, stats.total_snapshots), (1, 1, 0), "{LAW}");
}

/// Snapshots count by stream, and count neither as events nor as streams.
pub async fn snapshots_count_one_a_stream(store: TestStore) {
    store.put(&stream("a"), events(2)).await;
    for (name, version, counted) in
        [("a", 2, 1), ("a", 3, 1), ("a", 1, 1), ("missing", 1, 2), ("b", 5, 3), ("b", 5, 3)]
    {
        store.save_snapshot(snapshot(name, version)).await.expect("a snapshot can be saved");
        assert_counts(&store, counted).await;
    }
}

/// While others append, each answer is of one moment: it counts exactly what lies up to the head it names.
pub async fn counts_are_of_one_moment(store: TestStore) {
    let writing = Arc::new(AtomicBool::new(true));
    let counter = tokio::spawn({
        let (backend, writing) = (store.backend(), Arc::clone(&writing));
        async move {
            let mut answers = Vec::new();
            while writing.load(Ordering::Acquire) {
                answers.push(backend.counts().await);
                tokio::task::yield_now().await;
            }
            answers
        }
    });
    all_at_once((0..6).map(|task| {
        let backend = store.backend();
        async move {
            for round in 0..30 {
                let batch = AppendBatch::new()
                    .append(stream("shared"), ExpectedVersion::Any, events(1))
                    .append(stream(&format!("s-{task}-{round}")), ExpectedVersion::NoStream, events(2));
                backend.append_all(batch).await.expect("the guards hold");
                tokio::task::yield_now().await;
            }
        }
    }))
    .await;
    writing.store(false, Ordering::Release);
    let all = store.everything().await;
    for stats in finished(counter.await) {
        let then: Vec<&RecordedEvent> = all.iter().take_while(|event| event.position <= stats.head).collect();
        let streams: HashSet<&StreamId> = then.iter().map(|event| &event.stream).collect();
        assert_eq!(
            (stats.total_events, stats.total_streams),
            (then.len() as u64, streams.len() as u64),
            "{LAW}: counted when the head was {}, and found up to there",
            stats.head
        );
    }
    assert_counts(&store, 0).await;
}

/// A store that was closed and opened again counts the same.
pub async fn counts_are_the_same_after_reopening(store: TestStore) {
    let batch = AppendBatch::new().append(stream("a"), ExpectedVersion::NoStream, events(2)).append(
        stream("b"),
        ExpectedVersion::NoStream,
        events(3),
    );
    store.append_all(batch.clone()).await.expect("the guards hold");
    wrong_version(LAW, store.append(&stream("c"), exact(9), events(2)).await);
    store.save_snapshot(snapshot("a", 1)).await.expect("a snapshot can be saved");
    store.save_snapshot(snapshot("z", 1)).await.expect("a snapshot can be saved");
    let before = store.counts().await;

    let store = store.reopen().await;

    assert_eq!(store.counts().await, before, "{LAW}");
    assert_counts(&store, 2).await;
    store.append_all(batch).await.expect("a retry succeeds");
    store.put(&stream("c"), events(1)).await;
    assert_counts(&store, 2).await;
}

async fn assert_counts(store: &TestStore, snapshots: u64) {
    let all = reading::everything(&**store).await;
    let streams: HashSet<&StreamId> = all.iter().map(|event| &event.stream).collect();
    let head = all.last().map_or(GlobalPosition::START, |event| event.position);
    let counted = BackendStats::new(all.len() as u64, streams.len() as u64, snapshots, head);
    assert_eq!(store.counts().await, counted, "{LAW}: what stats say, and what a full read counts");
}
