//! What is read of a store with an archive, and when something is archived.

use std::{
    future::Future as _,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use eventstore_api::{
    AppendBatch, AppendCondition, Direction, EventFilter, EventStoreBackend, EventType, ExpectedVersion,
    GlobalPosition, NewEvent, ReadAll, RecordedEvent, StoreError, StreamRange, Tags, Version,
};
use eventstore_wal::{ArchivePolicy, WalBackend, WalConfig, WalReader, WalStats};

use crate::{
    EVENTS, all, archived, keeping, open_archiving, parts, segments,
    support::{append, count_from_the_first, event, files, open, small, stream},
};

/// Every way of reading, held against all events in their order.
pub(crate) async fn check_every_way_of_reading(store: &dyn EventStoreBackend, events: &[RecordedEvent]) {
    let backward: Vec<_> = events.iter().rev().cloned().collect();
    assert_eq!(all(store, ReadAll::forward().limit(7)).await, events);
    assert_eq!(all(store, ReadAll::backward().limit(13)).await, backward);
    for after in (0..events.len()).step_by(29) {
        let position = GlobalPosition::new(after as u64);
        let page = store.read_all(&ReadAll::after(position).limit(3)).await.unwrap();
        assert_eq!(page.events, events[after..(after + 3).min(events.len())], "after {after}");
        let before = ReadAll::before(position).limit(3);
        let page = store.read_all(&before).await.unwrap();
        let expected: Vec<_> = events[..after.saturating_sub(1)].iter().rev().take(3).cloned().collect();
        assert_eq!(page.events, expected, "before {after}");
    }
    let filters = [
        EventFilter::types([EventType::new("Paid").unwrap()]),
        EventFilter::types([EventType::new("Never").unwrap()]),
        EventFilter::tagged(Tags::parse(["branch:3"]).unwrap()),
        EventFilter::stream(stream(4)),
        EventFilter::stream_prefix("account-"),
    ];
    for filter in filters {
        let matching: Vec<_> = events.iter().filter(|event| filter.matches(event)).cloned().collect();
        let query = ReadAll::forward().filter(filter.clone()).limit(11);
        assert_eq!(all(store, query).await, matching, "{filter:?}");
        let query = ReadAll::backward().filter(filter.clone()).limit(11);
        let backward: Vec<_> = matching.into_iter().rev().collect();
        assert_eq!(all(store, query).await, backward, "{filter:?}");
    }
    for number in 0..7 {
        let of_stream: Vec<_> = events.iter().filter(|it| it.stream == stream(number)).cloned().collect();
        assert_eq!(store.get_events(&stream(number)).await.unwrap(), of_stream);
        for after in (0..of_stream.len()).step_by(17) {
            for direction in [Direction::Forward, Direction::Backward] {
                let version = Version::new(after as u64 + 1);
                let range = match direction {
                    Direction::Forward => StreamRange::after(version),
                    Direction::Backward => StreamRange::before(version),
                };
                let expected: Vec<_> = match direction {
                    Direction::Forward => of_stream.iter().skip(after + 1).take(4).cloned().collect(),
                    Direction::Backward => of_stream[..after].iter().rev().take(4).cloned().collect(),
                };
                let page = store.read_stream(&stream(number), range.limit(4)).await.unwrap();
                assert_eq!(page.events, expected, "{direction:?} from {version}");
            }
        }
    }
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.total_events, stats.total_streams), (events.len() as u64, events.len().min(7) as u64));
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_span_parts_segments_and_tail() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..EVENTS).await;
    let events = store.get_all_events().await.unwrap();
    assert_eq!(count_from_the_first(&events), EVENTS);
    check_every_way_of_reading(&store, &events).await;
    store.close().await.unwrap();
    let before = segments(directory.path());

    let store = open_archiving(directory.path(), 2);
    store.archive_now().await.unwrap();
    assert_eq!(parts(directory.path()).len(), before.len() - 3, "all but two sealed ones, and the last");
    assert_eq!(segments(directory.path()), before[before.len() - 3..]);
    check_every_way_of_reading(&store, &events).await;
    let reader = WalReader::open(directory.path()).unwrap();
    check_every_way_of_reading(&reader, &events).await;
    store.close().await.unwrap();

    // Whoever archives nothing reads what is archived.
    let store = open(directory.path());
    assert_eq!(store.recovery().indexes_rebuilt, 0);
    assert_eq!(store.archive_now().await.unwrap(), 0);
    check_every_way_of_reading(&store, &events).await;
    append(&store, EVENTS..EVENTS + 10).await;
    assert_eq!(count_from_the_first(&store.get_all_events().await.unwrap()), EVENTS + 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_meanwhile_sees_every_event_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = open_archiving(directory.path(), 0);
    // In another process, most often.
    let reader = WalReader::open(directory.path()).unwrap().poll_every(Duration::from_millis(1));
    let following = |store: std::sync::Arc<dyn EventStoreBackend>| {
        tokio::spawn(async move {
            let (mut seen, mut query) = (Vec::new(), ReadAll::forward().limit(5));
            while seen.len() < 2 * EVENTS {
                let page = store.read_all(&query).await.unwrap();
                query = query.next_page(&page);
                seen.extend(page.events);
                if page.end_reached && seen.len() < 2 * EVENTS {
                    store.wait_past(query.after).await.unwrap();
                }
            }
            seen
        })
    };
    let live = following(std::sync::Arc::new(store.clone()));
    let apart = following(std::sync::Arc::new(reader.clone()));
    let again = {
        let store = store.clone();
        tokio::spawn(async move {
            let mut rounds = 0;
            while store.head().await.unwrap().get() < 2 * EVENTS as u64 {
                let events = store.get_events(&stream(3)).await.unwrap();
                assert!(events.iter().zip(1..).all(|(event, version)| event.version.get() == version));
                rounds += 1;
                tokio::task::yield_now().await;
            }
            rounds
        })
    };
    append(&store, 0..2 * EVENTS).await;
    store.archive_now().await.unwrap();
    assert!(again.await.unwrap() > 0);
    assert_eq!(count_from_the_first(&live.await.unwrap()), 2 * EVENTS);
    assert_eq!(count_from_the_first(&apart.await.unwrap()), 2 * EVENTS);
    assert!(parts(directory.path()).len() > 10);
    // And from the beginning, where it is all archived since the reader was opened.
    let events = all(&reader, ReadAll::forward()).await;
    assert_eq!(count_from_the_first(&events), 2 * EVENTS);
    check_every_way_of_reading(&reader, &events).await;
}

#[tokio::test]
async fn a_reader_that_was_opened_before_reads_what_was_archived_since() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    append(&store, 0..EVENTS).await;
    let reader = WalReader::open(directory.path()).unwrap();
    store.close().await.unwrap();
    let store = open_archiving(directory.path(), 0);
    store.archive_now().await.unwrap();
    append(&store, EVENTS..EVENTS + 100).await;
    store.archive_now().await.unwrap();
    assert_eq!(count_from_the_first(&all(&reader, ReadAll::forward()).await), EVENTS + 100);
}

#[tokio::test]
async fn appending_again_what_is_archived_gives_the_first_outcome() {
    let directory = tempfile::tempdir().unwrap();
    let store = open_archiving(directory.path(), 0);
    let batch = vec![event(0), event(1)];
    let first = store.append(&stream(0), ExpectedVersion::NoStream, batch.clone()).await.unwrap();
    append(&store, 2..EVENTS).await;
    store.archive_now().await.unwrap();
    store.close().await.unwrap();

    let store = open(directory.path());
    let again = store.append(&stream(0), ExpectedVersion::NoStream, batch.clone()).await.unwrap();
    assert_eq!(again, first);
    let mut other = batch;
    other[1] = NewEvent::identified(other[1].id, EventType::new("Other").unwrap(), "else");
    let refused = store.append(&stream(0), ExpectedVersion::Any, other).await.unwrap_err();
    assert!(matches!(refused, StoreError::InvalidInput { .. }), "{refused:?}");
    assert_eq!(store.head().await.unwrap().get(), EVENTS as u64);
}

#[tokio::test]
async fn a_condition_sees_what_is_archived() {
    let directory = archived(0).await;
    let store = open(directory.path());
    let rare = EventFilter::stream(stream(0));
    let appended = |after: u64| {
        let condition = AppendCondition::none_after(rare.clone(), GlobalPosition::new(after));
        let batch = AppendBatch::single(stream(9), ExpectedVersion::Any, vec![event(9)]);
        store.append_all(batch.condition(condition))
    };
    let events = store.get_events(&stream(0)).await.unwrap();
    let last = events.last().unwrap().position.get();
    assert!(matches!(appended(3).await, Err(StoreError::ConditionFailed { at }) if at.get() == last));
    assert!(appended(last).await.is_ok());
}

#[tokio::test]
async fn segments_of_an_age_are_archived_without_being_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let policy = ArchivePolicy { keep_segments: None, older_than: None, ..ArchivePolicy::default() };
    let store = WalBackend::with_archive(directory.path(), small(), policy).unwrap();
    append(&store, 0..EVENTS).await;
    assert_eq!(store.archive_now().await.unwrap(), 0, "no limit says so");
    store.close().await.unwrap();

    let old = ArchivePolicy {
        keep_segments: None,
        older_than: Some(Duration::from_secs(3_600)),
        ..ArchivePolicy::default()
    };
    let store = WalBackend::with_archive(directory.path(), small(), old).unwrap();
    assert_eq!(store.archive_now().await.unwrap(), 0, "they are not so old");
    store.close().await.unwrap();

    let sealed = segments(directory.path()).len() - 1;
    let soon = ArchivePolicy {
        keep_segments: None,
        older_than: Some(Duration::from_millis(1)),
        ..ArchivePolicy::default()
    };
    let store = WalBackend::with_archive(directory.path(), small(), soon).unwrap();
    let all_of_them = async {
        while parts(directory.path()).len() < sealed || segments(directory.path()).len() > 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all_of_them).await.unwrap();
    assert_eq!(store.archive_now().await.unwrap(), 0, "it is done");
}

#[tokio::test]
async fn a_store_that_is_closed_meanwhile_keeps_what_is_not_archived_yet() {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let store = open_archiving(directory.path(), 0);
        append(&store, round * 40..round * 40 + 40).await;
        store.close().await.unwrap();
        assert!(matches!(store.archive_now().await, Err(StoreError::Closed)));
        let (parts, segments) = (parts(directory.path()), segments(directory.path()));
        let both = parts.iter().filter(|part| segments.contains(&part.with_extension("wal"))).count();
        assert!(both <= 1, "{parts:?} {segments:?}");
    }
    let store = open(directory.path());
    assert_eq!(count_from_the_first(&store.get_all_events().await.unwrap()), 800);
    assert_eq!(files(directory.path(), ".new"), Vec::<std::path::PathBuf>::new());
}

/// To go to another thread for every page takes as long as to make its events.
#[tokio::test]
async fn rows_that_were_read_ahead_are_given_out_without_waiting() {
    let directory = tempfile::tempdir().unwrap();
    let config = WalConfig { segment_bytes: 1 << 20, ..WalConfig::default() };
    let store = WalBackend::with_archive(directory.path(), config, keeping(0)).unwrap();
    for first in (0..16_000).step_by(500) {
        let events = (first..first + 500).map(event).collect();
        store.append(&stream(1), ExpectedVersion::Any, events).await.unwrap();
    }
    // Some of it may have been done already.
    store.archive_now().await.unwrap();
    assert!(!parts(directory.path()).is_empty());
    let page_after = async |after: u64| {
        let query = ReadAll::after(GlobalPosition::new(after));
        let mut read = pin!(store.read_all(&query));
        match read.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(page) => (page.unwrap(), true),
            Poll::Pending => (read.await.unwrap(), false),
        }
    };
    let (mut after, mut at_once) = (0, Vec::new());
    for _ in 0..8 {
        let (page, was_at_once) = page_after(after).await;
        assert_eq!(page.events.first().unwrap().position.get(), after + 1);
        after = page.next.get();
        at_once.push(was_at_once);
    }
    assert_eq!(after, 8 * ReadAll::DEFAULT_LIMIT as u64);
    assert_eq!(at_once, [false, true, true, true, true, true, true, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn stats_tell_segments_from_parts() {
    let directory = archived(2).await;
    let (store, reader) = (open(directory.path()), WalBackend::open_read_only(directory.path()).unwrap());
    let (segments, parts) = (segments(directory.path()), parts(directory.path()));
    assert!(segments.len() > 2 && !parts.is_empty());
    let first_in_a_segment = segments[0].file_stem().unwrap().to_str().unwrap();
    let archived = first_in_a_segment.trim_start_matches(|character: char| !character.is_ascii_digit());
    let archived = archived.parse::<u64>().unwrap() - 1;
    for stats in [store.stats().await.unwrap(), reader.stats().await.unwrap()] {
        let wal = stats.specific::<WalStats>().unwrap();
        assert_eq!((wal.segments, wal.parts), (segments.len() as u64, parts.len() as u64));
        assert_eq!(wal.archived_events, archived);
        let on_disk: u64 = segments.iter().map(|path| path.metadata().unwrap().len()).sum();
        assert!(wal.log_bytes > 0 && wal.log_bytes <= on_disk, "{} of {on_disk} bytes", wal.log_bytes);
        assert_eq!(stats.backend_specific()["parts"], parts.len().to_string());
    }
}
