//! Law 5: once any reader has seen position p, no event with a position <= p appears later.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use eventstore_api::{
    AppendBatch, EventFilter, EventStoreBackend, ExpectedVersion, GlobalPosition, ReadAll, RecordedEvent,
    StreamRange,
};

use crate::{
    TestStore,
    events::{events, ids, positions, stream, tagged, versions, with_tag, with_type},
    race::{all_at_once, finished},
    reading,
    sure::Sure,
};

const LAW: &str = "law 5, nothing arrives late";

/// Readers ask again and again for what lies behind the last event they saw. In the end each has seen everything.
pub async fn a_polling_reader_misses_nothing(store: TestStore) {
    follow_while_writing(store, EventFilter::all(), 512).await;
}

/// The same in the smallest pages, where a reader stands before every single event once.
pub async fn a_reader_of_single_events_misses_nothing(store: TestStore) {
    follow_while_writing(store, EventFilter::all(), 1).await;
}

/// The same through filters, whose readers go on behind events that they never saw.
pub async fn a_filtered_reader_misses_nothing(store: TestStore) {
    for filter in [with_tag("parity:even"), with_type("Happened"), EventFilter::stream_prefix("s-1")] {
        follow_while_writing(store.another().await, filter, 16).await;
    }
}

/// What `wait_past` announces is there to be read, and everything before it too.
pub async fn what_wait_past_announces_can_be_read(store: TestStore) {
    let backend = store.backend();
    let waiter = tokio::spawn(async move {
        let mut seen: Vec<RecordedEvent> = Vec::new();
        let mut at = GlobalPosition::START;
        while seen.len() < TOTAL {
            let head = backend.wait_past(at).await.expect("one can wait");
            assert!(head > at, "{LAW}: waiting past {at} ended at {head}");
            let (news, next) = reading::to_the_end(&*backend, ReadAll::after(at)).await;
            let last = news.last().map(|event| event.position);
            assert!(
                last >= Some(head),
                "{LAW}: wait_past announced position {head}, and reading then ended at {last:?}"
            );
            seen.extend(news);
            at = next;
        }
        seen
    });
    write(&store).await;
    let seen = finished(waiter.await);
    assert_eq!(positions(&seen), positions(&store.everything().await), "{LAW}: what the waiting reader saw");
}

/// Where a page says to go on, nothing has been left behind: also where no event passed the filter.
pub async fn a_checkpoint_leaves_nothing_behind(store: TestStore) {
    let writing = Arc::new(AtomicBool::new(true));
    let reader = tokio::spawn({
        let (backend, writing) = (store.backend(), Arc::clone(&writing));
        async move {
            let mut checkpoints: Vec<(GlobalPosition, usize)> = Vec::new();
            let mut at = GlobalPosition::START;
            while writing.load(Ordering::Acquire) {
                let query = ReadAll::after(at).limit(3).filter(with_type("Never"));
                let page = backend.read_all(&query).await.expect("all events can be read");
                assert!(page.next >= at, "{LAW}: a checkpoint went back from {at} to {}", page.next);
                at = page.next;
                let before = reading::every(&*backend, ReadAll::forward()).await;
                checkpoints.push((at, before.iter().filter(|event| event.position <= at).count()));
                tokio::task::yield_now().await;
            }
            checkpoints
        }
    });
    write(&store).await;
    writing.store(false, Ordering::Release);
    let all = store.everything().await;
    for (checkpoint, seen) in finished(reader.await) {
        let now = all.iter().filter(|event| event.position <= checkpoint).count();
        assert_eq!(
            now, seen,
            "{LAW}: events up to the checkpoint {checkpoint}, now and when it was given out"
        );
    }
}

/// Who pages through a stream while others append to it reads its first events up to some version, once and in order,
/// and never fewer than before.
pub async fn a_growing_stream_is_read_page_by_page_without_a_gap(store: TestStore) {
    let s = stream("grows");
    let writing = Arc::new(AtomicBool::new(true));
    let readers: Vec<_> = [0, 1, 40]
        .map(|max_bytes| {
            let (backend, s, writing) = (store.backend(), s.clone(), Arc::clone(&writing));
            tokio::spawn(async move {
                let mut longest = 0;
                loop {
                    let last_look = !writing.load(Ordering::Acquire);
                    let read = reading::range(&*backend, &s, StreamRange::all().max_bytes(max_bytes)).await;
                    let versions = versions(&read);
                    assert_eq!(versions, (1..=versions.len() as u64).collect::<Vec<_>>(), "{LAW}");
                    assert!(read.len() >= longest, "{LAW}: {longest} events were read, then {}", read.len());
                    longest = read.len();
                    if last_look {
                        return ids(&read);
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .into_iter()
        .collect();
    all_at_once((0..3).map(|_| {
        let (backend, s) = (store.backend(), s.clone());
        async move {
            for round in 0..20 {
                backend.put(&s, events(round % 4 + 1)).await;
                tokio::task::yield_now().await;
            }
        }
    }))
    .await;
    writing.store(false, Ordering::Release);
    let all = ids(&store.stored(&s).await);
    for reader in readers {
        assert!(
            finished(reader.await) == all,
            "{LAW}: what a paging reader read in the end is not the stream"
        );
    }
}

/// Who reads one stream again and again sees it grow at its end, never in between.
pub async fn a_stream_grows_only_at_its_end(store: TestStore) {
    let writing = Arc::new(AtomicBool::new(true));
    let reader = tokio::spawn({
        let (backend, writing) = (store.backend(), Arc::clone(&writing));
        async move {
            let mut last = Vec::new();
            while writing.load(Ordering::Acquire) {
                let now = backend.stored(&stream("s-1")).await;
                let dense: Vec<u64> = (1..=now.len() as u64).collect();
                assert_eq!(versions(&now), dense, "{LAW}: a reader saw a hole");
                assert_eq!(
                    ids(&now[..last.len().min(now.len())]),
                    last,
                    "{LAW}: what a reader had seen changed"
                );
                last = ids(&now);
                tokio::task::yield_now().await;
            }
        }
    });
    write(&store).await;
    writing.store(false, Ordering::Release);
    finished(reader.await);
}

/// When stats name a head, all that will ever be before it can be read.
pub async fn nothing_appears_before_a_head_that_was_told(store: TestStore) {
    let writing = Arc::new(AtomicBool::new(true));
    let reader = tokio::spawn({
        let (backend, writing) = (store.backend(), Arc::clone(&writing));
        async move {
            let mut heads = Vec::new();
            while writing.load(Ordering::Acquire) {
                let head = backend.counts().await.head;
                let seen = reading::everything(&*backend).await;
                heads.push((head, seen.iter().filter(|event| event.position <= head).count()));
                tokio::task::yield_now().await;
            }
            heads
        }
    });
    write(&store).await;
    writing.store(false, Ordering::Release);
    let all = store.everything().await;
    for (head, seen) in finished(reader.await) {
        let now = all.iter().filter(|event| event.position <= head).count();
        assert_eq!(now, seen, "{LAW}: events up to the head {head}, now and when it was told");
    }
}

const WRITERS: usize = 6;
const ROUNDS: usize = 24;
/// Each round of a writer appends one event, then three to its stream and two to a shared one.
const TOTAL: usize = WRITERS * ROUNDS * 6;

async fn write(store: &TestStore) {
    all_at_once((0..WRITERS).map(|writer| {
        let backend = store.backend();
        async move {
            let own = stream(&format!("s-{writer}"));
            for round in 0..ROUNDS {
                let parity = if round % 2 == 0 { "parity:even" } else { "parity:odd" };
                backend.put(&own, vec![tagged(&[parity])]).await;
                tokio::task::yield_now().await;
                let batch =
                    AppendBatch::new().append(own.clone(), ExpectedVersion::StreamExists, events(3)).append(
                        stream("shared"),
                        ExpectedVersion::Any,
                        vec![tagged(&[parity]), tagged(&[parity])],
                    );
                backend.append_all(batch).await.expect("the guards hold");
            }
        }
    }))
    .await;
}

async fn follow_while_writing(store: TestStore, filter: EventFilter, limit: usize) {
    let written = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (backend, written) = (store.backend(), Arc::clone(&written));
            let mut query = ReadAll::forward().limit(limit).filter(filter.clone());
            tokio::spawn(async move {
                let mut seen: Vec<RecordedEvent> = Vec::new();
                loop {
                    // Looked at before reading: the last look then comes after the last append.
                    let last_look = written.load(Ordering::Acquire);
                    let (news, next) = reading::to_the_end(&*backend, query.clone()).await;
                    seen.extend(news);
                    query.after = next;
                    if last_look {
                        return seen;
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    write(&store).await;
    written.store(true, Ordering::Release);
    let all: Vec<RecordedEvent> =
        store.everything().await.into_iter().filter(|event| filter.matches(event)).collect();
    for reader in readers {
        let seen = finished(reader.await);
        let missed: Vec<GlobalPosition> =
            positions(&all).into_iter().filter(|position| !positions(&seen).contains(position)).collect();
        assert!(missed.is_empty(), "{LAW}: a reader passed by positions {missed:?}, which appeared later");
        assert_eq!(ids(&seen), ids(&all), "{LAW}: what a reader saw while it was written, and what is there");
    }
}
