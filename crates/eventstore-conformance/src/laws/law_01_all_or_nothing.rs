//! Law 1: an append to one or several streams is entirely there or not at all - also after a crash in the middle.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use eventstore_api::{
    AppendBatch, AppendCondition, EventFilter, EventStoreBackend, ExpectedVersion, NewEvent, RecordedEvent,
    StreamId, limits::MAX_PAYLOAD_BYTES,
};

use crate::{
    TestStore,
    errors::{condition_failed, invalid_input, wrong_version},
    events::{event, events, exact, ids, new_ids, stream},
    race::{all_at_once, finished},
    reading,
};

const LAW: &str = "law 1, all or nothing";

/// Every event of a batch is there, in its stream and in its order, and nothing else is.
pub async fn a_batch_over_several_streams_is_stored_whole(store: TestStore) {
    let parts: Vec<(StreamId, Vec<NewEvent>)> =
        (1..=5).map(|count| (stream(&format!("part-{count}")), events(count))).collect();
    let batch = parts.iter().fold(AppendBatch::new(), |batch, (stream, events)| {
        batch.append(stream.clone(), ExpectedVersion::NoStream, events.clone())
    });

    let outcomes = store.append_all(batch).await.expect("an append under guards that hold succeeds");

    assert_eq!(outcomes.len(), parts.len(), "{LAW}: one outcome for each stream");
    for ((stream, events), outcome) in parts.iter().zip(&outcomes) {
        assert_eq!(outcome.stream, *stream, "{LAW}: the outcomes stand in the order of the batch");
        let stored = store.get_events(stream).await.expect("a stream can be read");
        assert_eq!(ids(&stored), new_ids(events), "{LAW}: stream {stream} holds its part of the batch");
    }
    assert_eq!(store.everything().await.len(), 15, "{LAW}: the store holds the batch and nothing else");
}

/// Whichever stream's guard fails, the first or the last, no stream gets anything.
pub async fn a_failed_guard_on_one_stream_stores_nothing_in_any(store: TestStore) {
    let streams = ["a", "b", "c"].map(stream);
    store
        .append(&streams[1], ExpectedVersion::Any, events(2))
        .await
        .expect("an append without guard succeeds");
    let before = store.picture().await;

    for failing in 0..streams.len() {
        let batch = streams.iter().enumerate().fold(AppendBatch::new(), |batch, (index, stream)| {
            let expected = if index == failing { exact(9) } else { ExpectedVersion::Any };
            batch.append(stream.clone(), expected, events(2))
        });
        let (named, ..) = wrong_version(LAW, store.append_all(batch).await);
        assert_eq!(named, streams[failing], "{LAW}: the error names the stream whose guard failed");
        store.assert_unchanged(&before, LAW).await;
    }
}

/// A guard on a stream that the batch does not write counts as much as the others.
pub async fn a_failed_guard_on_an_unwritten_stream_stores_nothing(store: TestStore) {
    let (written, watched) = (stream("written"), stream("watched"));
    store.append(&watched, ExpectedVersion::Any, events(3)).await.expect("an append without guard succeeds");
    let before = store.picture().await;

    for expected in [ExpectedVersion::NoStream, exact(2), exact(4)] {
        let batch = AppendBatch::single(written.clone(), ExpectedVersion::Any, events(2))
            .guard(watched.clone(), expected);
        wrong_version(LAW, store.append_all(batch).await);
        store.assert_unchanged(&before, LAW).await;
    }
}

/// A batch whose condition fails leaves nothing in any of its streams.
pub async fn a_failed_condition_stores_nothing_in_any_stream(store: TestStore) {
    store.append(&stream("earlier"), ExpectedVersion::Any, events(1)).await.expect("an append succeeds");
    let before = store.picture().await;

    let batch = AppendBatch::new()
        .append(stream("a"), ExpectedVersion::NoStream, events(2))
        .append(stream("b"), ExpectedVersion::NoStream, events(2))
        .condition(AppendCondition::none(EventFilter::stream_prefix("earl")));
    condition_failed(LAW, store.append_all(batch).await);
    store.assert_unchanged(&before, LAW).await;
}

/// One event beyond a limit, the last of the last stream, keeps all the others out.
pub async fn one_invalid_event_keeps_the_whole_batch_out(store: TestStore) {
    let before = store.picture().await;
    let mut last = events(3);
    last.push(NewEvent::new(crate::events::event_type("TooLarge"), vec![0_u8; MAX_PAYLOAD_BYTES + 1]));
    let batch = AppendBatch::new().append(stream("a"), ExpectedVersion::Any, events(2)).append(
        stream("b"),
        ExpectedVersion::Any,
        last,
    );
    invalid_input(LAW, store.append_all(batch).await);
    store.assert_unchanged(&before, LAW).await;
}

/// An event id that is taken in one stream keeps the events of the other streams out too.
pub async fn one_reused_id_keeps_the_whole_batch_out(store: TestStore) {
    let taken = event();
    store.append(&stream("b"), ExpectedVersion::Any, vec![taken.clone()]).await.expect("an append succeeds");
    let before = store.picture().await;

    let batch = AppendBatch::new().append(stream("a"), ExpectedVersion::Any, events(2)).append(
        stream("b"),
        ExpectedVersion::Any,
        vec![event().with_id(taken.id)],
    );
    invalid_input(LAW, store.append_all(batch).await);
    store.assert_unchanged(&before, LAW).await;
}

/// However often readers look while batches are written, they see each batch whole or not at all: in the order of all
/// events, and from one of its streams to the next.
pub async fn readers_never_see_part_of_a_batch(store: TestStore) {
    const BATCHES: usize = 150;
    let streams = ["left", "middle", "right"].map(stream);
    let written = Arc::new(AtomicBool::new(false));

    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (backend, streams, written) = (store.backend(), streams.clone(), Arc::clone(&written));
            tokio::spawn(async move {
                while !written.load(Ordering::Acquire) {
                    assert_whole_batches(&reading::everything(&*backend).await);
                    let left = backend.get_events(&streams[0]).await.expect("a stream can be read");
                    let right = backend.get_events(&streams[2]).await.expect("a stream can be read");
                    assert!(
                        right.len() >= left.len(),
                        "{LAW}: {} events of `left` were read, and afterwards only {} of `right`, \
                         though every batch writes as many to both",
                        left.len(),
                        right.len()
                    );
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let writers = (0..2).map(|_| {
        let (backend, streams) = (store.backend(), streams.clone());
        async move {
            for _ in 0..BATCHES / 2 {
                let batch = streams.iter().fold(AppendBatch::new(), |batch, stream| {
                    batch.append(stream.clone(), ExpectedVersion::Any, events(2))
                });
                backend.append_all(batch).await.expect("an append without guard succeeds");
                tokio::task::yield_now().await;
            }
        }
    });
    all_at_once(writers).await;
    written.store(true, Ordering::Release);
    for reader in readers {
        finished(reader.await);
    }
    assert_whole_batches(&store.everything().await);
}

/// After a restart, what was accepted is there as a whole and what was refused is not there at all.
pub async fn batches_are_whole_or_absent_after_reopening(store: TestStore) {
    let (a, b) = (stream("a"), stream("b"));
    let accepted = AppendBatch::new().append(a.clone(), ExpectedVersion::NoStream, events(3)).append(
        b.clone(),
        ExpectedVersion::NoStream,
        events(2),
    );
    store.append_all(accepted).await.expect("an append under guards that hold succeeds");
    let refused = AppendBatch::new().append(a.clone(), ExpectedVersion::Any, events(3)).append(
        b.clone(),
        ExpectedVersion::NoStream,
        events(2),
    );
    wrong_version(LAW, store.append_all(refused).await);
    let before = store.picture().await;

    let store = store.reopen().await;

    store.assert_unchanged(&before, LAW).await;
    assert_eq!(store.get_events(&a).await.expect("a stream can be read").len(), 3, "{LAW}");
    assert_eq!(store.get_events(&b).await.expect("a stream can be read").len(), 2, "{LAW}");
}

/// Every stream holds as many events as every other, and an even number of them.
fn assert_whole_batches(events: &[RecordedEvent]) {
    let count = |name: &str| events.iter().filter(|event| event.stream.as_str() == name).count();
    let counts = ["left", "middle", "right"].map(count);
    assert!(
        counts.iter().all(|&count| count == counts[0] && count % 2 == 0),
        "{LAW}: a reader saw part of a batch: {counts:?} events in three streams to which every batch writes two each"
    );
}
