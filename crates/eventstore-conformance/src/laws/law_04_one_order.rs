//! Law 4: positions strictly increase; they agree with every stream's own order; a multi-event append is contiguous or
//! at least in order.

use eventstore_api::{
    AppendBatch, Criterion, EventFilter, EventStoreBackend, ExpectedVersion, GlobalPosition, NewEvent,
    ReadAll, RecordedEvent, StreamId, StreamRange, Version,
};

use crate::{
    TestStore,
    events::{
        events, ids, new_ids, positions, sized, stream, tagged, tags, typed, versions, with_tag, with_type,
    },
    race::all_at_once,
    reading,
    sure::Sure,
};

const LAW: &str = "law 4, one order";

/// An append that begins after another one was answered lies behind it, whatever their streams.
pub async fn a_later_append_lies_behind_an_earlier_one(store: TestStore) {
    let mut last = GlobalPosition::START;
    for round in 0..40 {
        let outcome = store.put(&stream(&format!("s-{}", round % 7)), events(round % 3 + 1)).await;
        assert!(outcome.first_position > last, "{LAW}: {outcome:?} came after position {last}");
        assert!(outcome.last_position >= outcome.first_position, "{LAW}: {outcome:?}");
        assert!(outcome.last_position < GlobalPosition::END, "{LAW}: no event has the position END");
        last = outcome.last_position;
    }
    assert_eq!(store.counts().await.head, last, "{LAW}: the head is the last event's position");
}

/// The events of one append keep their order, and its streams stand in the order of the batch.
pub async fn a_batch_keeps_the_order_of_its_events(store: TestStore) {
    let (b, a) = (stream("b"), stream("a"));
    let (to_b, to_a) = (events(5), events(3));
    let batch = AppendBatch::new().append(b.clone(), ExpectedVersion::Any, to_b.clone()).append(
        a.clone(),
        ExpectedVersion::Any,
        to_a.clone(),
    );
    let outcomes = store.append_all(batch).await.expect("an append without guard succeeds");

    for (stream, appended) in [(&b, &to_b), (&a, &to_a)] {
        assert_eq!(ids(&store.stored(stream).await), new_ids(appended), "{LAW}: the order within {stream}");
    }
    let all = store.everything().await;
    for outcome in &outcomes {
        let of_stream: Vec<&RecordedEvent> = all.iter().filter(|e| e.stream == outcome.stream).collect();
        assert_eq!(of_stream[0].position, outcome.first_position, "{LAW}: {outcome:?}");
        assert_eq!(of_stream[of_stream.len() - 1].position, outcome.last_position, "{LAW}: {outcome:?}");
    }
}

/// The order of all events, looked at stream by stream, is each stream's order; also after many tasks wrote at once.
pub async fn the_order_agrees_with_every_streams_own(store: TestStore) {
    let streams: Vec<StreamId> = (0..4).map(|number| stream(&format!("s-{number}"))).collect();
    all_at_once((0..6_usize).map(|task| {
        let (backend, streams) = (store.backend(), streams.clone());
        async move {
            for round in 0..20 {
                let batch = AppendBatch::new()
                    .append(streams[(task + round) % 4].clone(), ExpectedVersion::Any, events(2))
                    .append(streams[(task + round + 1) % 4].clone(), ExpectedVersion::Any, events(1));
                backend.append_all(batch).await.expect("an append without guard succeeds");
            }
        }
    }))
    .await;
    let all = store.everything().await;
    assert_eq!(all.len(), 360, "{LAW}: every event is in the order of all events once");
    for stream in &streams {
        let in_order: Vec<RecordedEvent> = all.iter().filter(|e| e.stream == *stream).cloned().collect();
        assert_eq!(
            in_order,
            store.stored(stream).await,
            "{LAW}: {stream} read alone, and in the order of all"
        );
    }
}

/// Two readers who read the whole order, one of them later and in other pages, read the same.
pub async fn every_reader_finds_the_same_order(store: TestStore) {
    fill(&store).await;
    let all = store.everything().await;
    for limit in [1, 2, 3, 7, all.len() - 1, all.len(), all.len() + 1, usize::MAX] {
        let again = reading::every(&*store, ReadAll::forward().limit(limit)).await;
        assert_eq!(positions(&again), positions(&all), "{LAW}: read in pages of {limit}");
        assert_eq!(again, all, "{LAW}: read in pages of {limit}");
    }
}

/// Backward is forward from the other end, in pages of every size, and from every place in between.
pub async fn backward_is_the_mirror_of_forward(store: TestStore) {
    fill(&store).await;
    let mut mirrored = store.everything().await;
    mirrored.reverse();
    for limit in [1, 2, 5, mirrored.len(), 1_000] {
        let backward = reading::every(&*store, ReadAll::backward().limit(limit)).await;
        assert_eq!(backward, mirrored, "{LAW}: read backward in pages of {limit}");
    }
    for (index, event) in mirrored.iter().enumerate() {
        let before = reading::every(&*store, ReadAll::before(event.position)).await;
        assert_eq!(ids(&before), ids(&mirrored[index + 1..]), "{LAW}: backward from {}", event.position);
    }
}

/// Reading after a position gives what lies behind it and not the event there.
pub async fn a_position_is_exclusive(store: TestStore) {
    fill(&store).await;
    let all = store.everything().await;
    for (index, event) in all.iter().enumerate() {
        let after = reading::every(&*store, ReadAll::after(event.position)).await;
        assert_eq!(ids(&after), ids(&all[index + 1..]), "{LAW}: after position {}", event.position);
    }
}

/// A stream can be read from every version on, in both directions, cut off after any number of events.
pub async fn a_stream_reads_in_parts_and_both_ways(store: TestStore) {
    let s = stream("s");
    store.put(&stream("another"), events(3)).await;
    store.put(&s, events(9)).await;
    store.put(&stream("another"), events(3)).await;
    let starts = (0..=11).chain([u64::MAX]).map(Version::new);
    for (start, limit) in
        starts.flat_map(|start| [None, Some(0), Some(1), Some(4), Some(100)].map(|l| (start, l)))
    {
        let cut = limit.unwrap_or(usize::MAX);
        let mut range = StreamRange::after(start);
        range.limit = limit;
        let expected: Vec<u64> = (1..=9).filter(|version| *version > start.get()).take(cut).collect();
        let read = reading::range(&*store, &s, range).await;
        assert_eq!(versions(&read), expected, "{LAW}: {range:?}");

        let mut range = StreamRange::before(start);
        range.limit = limit;
        let expected: Vec<u64> = (1..=9).rev().filter(|version| *version < start.get()).take(cut).collect();
        let read = reading::range(&*store, &s, range).await;
        assert_eq!(versions(&read), expected, "{LAW}: {range:?}");
    }
    let after_four = store.get_events_after(&s, Version::new(4)).await.expect("a stream can be read");
    assert_eq!(versions(&after_four), [5, 6, 7, 8, 9], "{LAW}: get_events_after");
}

/// A stream read through pages of every size, in either direction and under a limit, is the stream: once, in order.
pub async fn a_stream_is_whole_in_pages_of_every_size(store: TestStore) {
    let s = stream("s");
    store.put(&s, sized([30, 0, 200, 10, 10, 10, 1_000, 0, 0, 70, 30, 500, 1])).await;
    let all = store.stored(&s).await;
    assert_eq!(all.len(), 13, "{LAW}: the provided way to read a stream reads all of its pages");
    for max_bytes in [0, 1, 10, 30, 230, 1_000, 1_860, 1_861, usize::MAX] {
        for limit in [1, 2, 5, 13, 14, usize::MAX] {
            let bounded = |range: StreamRange| range.max_bytes(max_bytes).limit(limit);
            let forward = reading::range(&*store, &s, bounded(StreamRange::all())).await;
            let expected: Vec<_> = all.iter().take(limit).cloned().collect();
            assert_eq!(
                ids(&forward),
                ids(&expected),
                "{LAW}: forward, {max_bytes} bytes a page, limit {limit}"
            );
            let backward = reading::range(&*store, &s, bounded(StreamRange::backward())).await;
            let expected: Vec<_> = all.iter().rev().take(limit).cloned().collect();
            assert_eq!(
                ids(&backward),
                ids(&expected),
                "{LAW}: backward, {max_bytes} bytes a page, limit {limit}"
            );
        }
    }
}

/// The page with the last event of a range says that it is the last, and no page before it does: whether the stream ends
/// there, or the limit, and however short the pages are.
pub async fn the_end_of_a_stream_is_told_with_its_last_event(store: TestStore) {
    let s = stream("s");
    store.put(&s, sized([8; 10])).await;
    store.put(&stream("another"), events(3)).await;
    for (start, limit, last) in
        [(StreamRange::all(), None, 10), (StreamRange::after(Version::new(4)), None, 10)]
            .into_iter()
            .chain([(StreamRange::all(), Some(4), 4), (StreamRange::all(), Some(10), 10)])
            .chain([(StreamRange::backward(), None, 1), (StreamRange::backward(), Some(3), 8)])
            .chain([(StreamRange::before(Version::new(5)), Some(100), 1)])
    {
        for max_bytes in [0, 8, 24, 79, 80, usize::MAX] {
            let mut range = start.max_bytes(max_bytes);
            range.limit = limit;
            loop {
                let page = store.read_stream(&s, range).await.expect("a stream can be read");
                reading::assert_sound_part(&s, range, &page);
                let read = page.events.last().map(|event| event.version.get());
                assert_eq!(
                    page.end_reached,
                    read == Some(last),
                    "{LAW}: the last event of {start:?} with limit {limit:?} has version {last}, and a page that \
                     ends with version {read:?} says of the end: {}",
                    page.end_reached
                );
                if page.end_reached {
                    break;
                }
                range = range.next_page(&page);
            }
        }
    }
}

/// A filter leaves out what does not pass it, and changes nothing else: in both directions, in pages of every size.
pub async fn a_filter_only_leaves_out(store: TestStore) {
    fill(&store).await;
    let all = store.everything().await;
    for filter in filters() {
        let passing: Vec<RecordedEvent> = all.iter().filter(|event| filter.matches(event)).cloned().collect();
        for limit in [1, 3, 1_000] {
            let read = reading::every(&*store, ReadAll::forward().limit(limit).filter(filter.clone())).await;
            assert_eq!(ids(&read), ids(&passing), "{LAW}: {filter:?} forward in pages of {limit}");
            let mut read =
                reading::every(&*store, ReadAll::backward().limit(limit).filter(filter.clone())).await;
            read.reverse();
            assert_eq!(ids(&read), ids(&passing), "{LAW}: {filter:?} backward in pages of {limit}");
        }
        let middle = all[all.len() / 2].position;
        let read = reading::every(&*store, ReadAll::after(middle).filter(filter.clone())).await;
        let later: Vec<RecordedEvent> = passing.into_iter().filter(|e| e.position > middle).collect();
        assert_eq!(ids(&read), ids(&later), "{LAW}: {filter:?} from the middle");
    }
}

/// A later event was never recorded before an earlier one, and the events of one append agree.
pub async fn recorded_at_never_runs_backwards(store: TestStore) {
    all_at_once((0..4).map(|task| {
        let backend = store.backend();
        async move {
            for _ in 0..25 {
                backend.put(&stream(&format!("s-{task}")), events(2)).await;
            }
        }
    }))
    .await;
    let all = store.everything().await;
    for pair in all.windows(2) {
        assert!(
            pair[0].recorded_at <= pair[1].recorded_at,
            "{LAW}: position {} was recorded at {:?}, and {} behind it at {:?}",
            pair[0].position,
            pair[0].recorded_at,
            pair[1].position,
            pair[1].recorded_at
        );
    }
}

/// Forty events of several types and tags in several streams.
async fn fill(store: &TestStore) {
    for round in 0..10_usize {
        let mixed: Vec<NewEvent> = vec![
            typed(["Opened", "Closed"][round % 2]),
            tagged(&["colour:red", ["size:small", "size:large"][round % 2]]),
            typed("Moved").with_tags(tags(&[["colour:red", "colour:blue"][round % 2]])),
        ];
        store.put(&stream(&format!("flight-{}", round % 3)), mixed).await;
        store.put(&stream("fleet"), events(1)).await;
    }
}

fn filters() -> Vec<EventFilter> {
    let moved = || Criterion::new().types([crate::events::event_type("Moved")]);
    vec![
        EventFilter::all(),
        with_type("Opened"),
        EventFilter::types(["Opened", "Moved"].map(crate::events::event_type)),
        with_type("Never"),
        with_tag("colour:red"),
        with_tag("colour:green"),
        EventFilter::tagged(tags(&["colour:red", "size:small"])),
        EventFilter::tagged(tags(&["colour:blue", "size:small"])),
        EventFilter::stream_prefix("flight-"),
        EventFilter::stream_prefix("fl"),
        EventFilter::stream_prefix("flight-1"),
        EventFilter::stream_prefix(""),
        EventFilter::stream_prefix("Flight"),
        EventFilter::any_of([moved().tags(tags(&["colour:red"]))]),
        EventFilter::any_of([
            moved().stream_prefix("flight-2"),
            Criterion::new().tags(tags(&["size:large"])),
        ]),
        EventFilter::any_of([Criterion::new().tags(tags(&["size:large"])), Criterion::new()]),
    ]
}
