//! Replays: which events come, when, into what, and who may stop them.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::support::{
    Watched,
    clocked::{Clocked, second},
    let_others_run, soon, until,
};
use allframe_cqrs::{
    ApplyContext, ApplyError, AsOf, Error, EventFilter, EventStore, EventStoreBackend, GlobalPosition,
    InMemoryBackend, Panicked, Projection, Recorded, Replay, ReplayEnd, ReplayPlan, ReplaySpeed, ReplayState,
    event,
};
use eventstore_conformance::intercept::Intercepted;
use futures_util::StreamExt;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Added(u64);

#[derive(Debug, Default, PartialEq)]
struct List(Vec<u64>);

impl Projection for List {
    type Event = Added;

    fn apply(&mut self, Added(number): &Added) {
        self.0.push(*number);
    }
}

async fn numbered<B: EventStoreBackend>(backend: B, events: u64) -> EventStore<Added, B> {
    let store = EventStore::with_backend(backend);
    for number in 1..=events {
        store.append(format!("list-{}", number % 2), vec![Added(number)]).await.unwrap();
    }
    store
}

async fn clocked(seconds: &[i64]) -> EventStore<Added, Intercepted<Clocked>> {
    numbered(Clocked::new(seconds), seconds.len() as u64).await
}

fn at(position: u64) -> GlobalPosition {
    GlobalPosition::new(position)
}

/// What a handler took, and how many seconds after the beginning.
type Log = Arc<Mutex<Vec<(u64, u64)>>>;

fn logging(
    log: &Log,
) -> impl FnMut(Recorded<Added>, ApplyContext) -> std::future::Ready<Result<(), ApplyError>> + use<> {
    let (log, begun) = (Arc::clone(log), Instant::now());
    move |event, _| {
        log.lock().unwrap().push((event.event.0, begun.elapsed().as_secs()));
        std::future::ready(Ok(()))
    }
}

async fn reaches<T>(replay: &Replay<T>, state: ReplayState) {
    until(|| replay.progress().state == state).await;
}

fn block_on(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_range_is_what_a_filter_of_the_whole_list_leaves(
        streams in prop::collection::vec(0..3_u8, 0..40),
        after in 0..45_u64,
        end in prop::option::of(0..45_u64),
        only in prop::option::of(0..3_u8),
    ) {
        block_on(async {
            let store = EventStore::<Added>::new();
            let mut all = Vec::new();
            for (number, stream) in (1..).zip(&streams) {
                let name = format!("list-{stream}");
                let position = store.append(name, vec![Added(number)]).await.unwrap().last_position;
                all.push((*stream, position, number));
            }
            let mut plan = store.replay().after(at(after));
            if let Some(end) = end {
                plan = plan.until(at(end));
            }
            if let Some(only) = only {
                plan = plan.filter(EventFilter::stream_prefix(format!("list-{only}")));
            }
            let replayed = plan.into_projection(List::default()).unwrap().await.unwrap();
            let expected = all.iter().filter(|(stream, position, _)| {
                *position > at(after)
                    && end.is_none_or(|end| *position <= at(end))
                    && only.is_none_or(|only| *stream == only)
            });
            let expected: Vec<_> = expected.map(|it| it.2).collect();
            assert_eq!((replayed.events, replayed.end), (expected.len() as u64, ReplayEnd::Finished));
            assert_eq!(replayed.state.0, expected);
        });
    }
}

#[tokio::test]
async fn a_replay_goes_on_where_another_one_ended() {
    let store = numbered(InMemoryBackend::new(), 6).await;
    let first = store.replay().until(at(4)).into_projection(List::default()).unwrap().await.unwrap();
    assert_eq!((first.position, &first.state), (at(4), &List(vec![1, 2, 3, 4])));
    let second = store.replay().after(first.position).into_projection(first.state).unwrap().await.unwrap();
    assert_eq!((second.position, second.state), (at(6), List(vec![1, 2, 3, 4, 5, 6])));
}

#[tokio::test]
async fn a_replay_until_a_moment_ends_before_what_was_recorded_later() {
    let store = clocked(&[10, 20, 20, 30]).await;
    let replay = store.replay().until(second(20)).into_projection(List::default()).unwrap();
    let replayed = replay.await.unwrap();
    assert_eq!((replayed.state, replayed.position), (List(vec![1, 2, 3]), at(3)));
}

#[tokio::test]
async fn what_is_appended_while_it_runs_is_not_replayed() {
    // More than a page, so that what is appended at the first event is there when the last is read.
    const EVENTS: u64 = 600;
    for end in [None, Some(GlobalPosition::END)] {
        let store = EventStore::<Added>::new();
        store.append("list-1", (0..EVENTS).map(Added).collect()).await.unwrap();
        let appends = store.clone();
        let plan = end.into_iter().fold(store.replay(), ReplayPlan::until);
        let replay = plan.into_handler(move |_, _| {
            let appends = appends.clone();
            async move {
                appends.append("list-9", vec![Added(9)]).await?;
                Ok(())
            }
        });
        let replayed = soon(replay.unwrap()).await.unwrap();
        assert_eq!((replayed.events, replayed.position), (EVENTS, at(EVENTS)));
    }
}

#[tokio::test]
async fn a_handler_is_told_that_it_is_a_replay() {
    let store = numbered(InMemoryBackend::new(), 2).await;
    let (told, mut heard) = mpsc::unbounded_channel();
    let replay = store.replay().into_handler(move |_, context| {
        let told = told.clone();
        async move { Ok(told.send(context.is_replaying())?) }
    });
    replay.unwrap().await.unwrap();
    assert_eq!((heard.recv().await, heard.recv().await), (Some(true), Some(true)));
}

#[tokio::test]
async fn a_projection_has_no_effects() {
    struct Asks(Vec<bool>);

    impl Projection for Asks {
        type Event = Added;

        fn apply(&mut self, _: &Added) {}

        fn try_apply(&mut self, _: &Recorded<Added>, context: &mut ApplyContext) -> Result<(), ApplyError> {
            context.effect(|| async { Ok(()) });
            self.0.push(context.take_effects().is_empty());
            Ok(())
        }
    }

    let store = numbered(InMemoryBackend::new(), 2).await;
    let replayed = store.replay().into_projection(Asks(vec![])).unwrap().await.unwrap();
    assert_eq!(replayed.state.0, [true, true]);
}

#[tokio::test]
async fn a_long_range_is_read_in_pages() {
    let store = EventStore::<Added, _>::with_backend(Arc::new(Watched::new()));
    store.append("list-1", (0..2_000).map(Added).collect()).await.unwrap();
    let replayed = store.replay().into_projection(List::default()).unwrap().await.unwrap();
    assert_eq!(replayed.state.0, (0..2_000).collect::<Vec<_>>());
    assert!(store.backend().largest_page() <= 512);
}

#[tokio::test(start_paused = true)]
async fn the_original_timing_is_kept_times_the_factor() {
    let store = clocked(&[100, 110, 110, 150]).await;
    for (factor, expected) in [(1.0, [0, 10, 10, 50]), (10.0, [0, 1, 1, 5]), (0.5, [0, 20, 20, 100])] {
        let log = Log::default();
        let plan = store.replay().speed(ReplaySpeed::original_times(factor).unwrap());
        plan.into_handler(logging(&log)).unwrap().await.unwrap();
        let taken: Vec<_> = log.lock().unwrap().iter().map(|(_, second)| *second).collect();
        assert_eq!(taken, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn at_full_speed_nothing_is_waited_for() {
    let store = clocked(&[0, 1_000_000]).await;
    let begun = Instant::now();
    store.replay().into_projection(List::default()).unwrap().await.unwrap();
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn no_gap_is_longer_than_the_longest_allowed() {
    let store = clocked(&[0, 2, 100_000, 100_001]).await;
    let log = Log::default();
    let plan = store.replay().speed(ReplaySpeed::original()).max_gap(Duration::from_secs(5));
    plan.into_handler(logging(&log)).unwrap().await.unwrap();
    assert_eq!(*log.lock().unwrap(), [(1, 0), (2, 2), (3, 7), (4, 8)]);
}

#[tokio::test(start_paused = true)]
async fn time_lost_in_a_handler_is_made_up_for() {
    let store = clocked(&[0, 1, 2, 20]).await;
    let log = Log::default();
    let mut logs = logging(&log);
    let plan = store.replay().speed(ReplaySpeed::original());
    let replay = plan.into_handler(move |event, context| {
        let takes = if event.event.0 == 1 { 10 } else { 0 };
        let logged = logs(event, context);
        async move {
            let work = tokio::time::timeout(Duration::from_secs(takes), std::future::pending::<()>());
            work.await.unwrap_err();
            logged.await
        }
    });
    replay.unwrap().await.unwrap();
    let taken: Vec<_> = log.lock().unwrap().iter().map(|(_, second)| *second).collect();
    assert_eq!(taken, [0, 10, 10, 20]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_in_the_middle_of_a_gap_leaves_the_rest_of_it_to_come() {
    let store = clocked(&[0, 10, 20]).await;
    let log = Log::default();
    let replay = store.replay().speed(ReplaySpeed::original()).into_handler(logging(&log)).unwrap();
    until(|| log.lock().unwrap().len() == 1).await;
    tokio::time::advance(Duration::from_secs(4)).await;
    replay.pause();
    reaches(&replay, ReplayState::Paused).await;
    tokio::time::advance(Duration::from_secs(100)).await;
    let_others_run().await;
    assert_eq!(log.lock().unwrap().len(), 1);
    replay.resume();
    let control = replay.control();
    replay.await.unwrap();
    assert_eq!(*log.lock().unwrap(), [(1, 0), (2, 110), (3, 120)]);
    assert_eq!(control.progress().running_for, Duration::from_secs(20));
}

#[tokio::test]
async fn a_paused_replay_takes_nothing_until_it_is_resumed() {
    let store = numbered(InMemoryBackend::new(), 3).await;
    let log = Log::default();
    let replay = store.replay().into_handler(logging(&log)).unwrap();
    replay.pause();
    reaches(&replay, ReplayState::Paused).await;
    let_others_run().await;
    assert_eq!((log.lock().unwrap().len(), replay.progress().events), (0, 0));
    replay.resume();
    assert_eq!(soon(replay).await.unwrap().events, 3);
}

#[tokio::test(start_paused = true)]
async fn cancelling_in_the_middle_of_a_gap_ends_it_at_once() {
    let store = clocked(&[0, 1_000_000]).await;
    let plan = store.replay().speed(ReplaySpeed::original());
    let replay = plan.into_projection(List::default()).unwrap();
    until(|| replay.progress().events == 1).await;
    let asked = Instant::now();
    replay.cancel();
    let replayed = replay.await.unwrap();
    assert_eq!(asked.elapsed(), Duration::ZERO);
    assert_eq!(
        (replayed.end, replayed.position, replayed.state),
        (ReplayEnd::Cancelled, at(1), List(vec![1]))
    );
}

/// A replay of which every event waits for a word, and what tells that one has begun.
async fn gated(events: u64) -> (Replay<()>, mpsc::UnboundedReceiver<oneshot::Sender<()>>) {
    let store = numbered(InMemoryBackend::new(), events).await;
    let (begun, begins) = mpsc::unbounded_channel();
    let replay = store.replay().into_handler(move |_, _| {
        let (may_end, end) = oneshot::channel();
        begun.send(may_end).unwrap();
        async move { Ok(end.await?) }
    });
    (replay.unwrap(), begins)
}

#[tokio::test]
async fn the_event_in_hand_is_taken_in_before_a_cancelled_replay_ends() {
    let (replay, mut begins) = gated(3).await;
    let in_hand = soon(begins.recv()).await.unwrap();
    replay.cancel();
    let_others_run().await;
    assert_eq!(replay.progress().state, ReplayState::Running);
    in_hand.send(()).unwrap();
    let replayed = soon(replay).await.unwrap();
    assert_eq!((replayed.end, replayed.events, replayed.position), (ReplayEnd::Cancelled, 1, at(1)));
}

#[tokio::test]
async fn a_paused_replay_can_be_cancelled_and_a_cancelled_one_not_be_resumed() {
    let (replay, mut begins) = gated(3).await;
    let in_hand = soon(begins.recv()).await.unwrap();
    replay.pause();
    in_hand.send(()).unwrap();
    reaches(&replay, ReplayState::Paused).await;
    replay.cancel();
    replay.resume();
    let control = replay.control();
    assert_eq!(soon(replay).await.unwrap().end, ReplayEnd::Cancelled);
    assert_eq!((control.progress().state, control.progress().events), (ReplayState::Cancelled, 1));
}

#[tokio::test]
async fn dropping_a_replay_ends_it_in_the_middle_of_a_handler() {
    let (replay, mut begins) = gated(3).await;
    let in_hand = soon(begins.recv()).await.unwrap();
    let control = replay.control();
    drop(replay);
    until(|| in_hand.is_closed()).await;
    until(|| control.progress().state == ReplayState::Cancelled).await;
    assert!(soon(begins.recv()).await.is_none());
}

#[tokio::test]
async fn a_handler_that_fails_ends_the_replay_and_tells_where() {
    let store = numbered(InMemoryBackend::new(), 3).await;
    let fails_at_two = |event: Recorded<Added>, _| async move {
        if event.event == Added(2) { Err("no room".into()) } else { Ok(()) }
    };
    let replay = store.replay().into_handler(fails_at_two).unwrap();
    let control = replay.control();
    let failed = replay.await.unwrap_err();
    assert_eq!((failed.position, failed.events, control.progress().state), (at(1), 1, ReplayState::Failed));
    let Error::Handle { position, source } = failed.source else { unreachable!("{failed:?}") };
    assert_eq!((position, source.to_string()), (at(2), "no room".to_owned()));
}

#[tokio::test]
async fn a_handler_that_panics_ends_the_replay_and_tells_where() {
    let store = numbered(InMemoryBackend::new(), 3).await;
    let early = |event: Recorded<Added>, _| {
        assert_ne!(event.event, Added(2), "unlucky");
        std::future::ready(Ok(()))
    };
    let late = |event: Recorded<Added>, _| async move {
        tokio::task::yield_now().await;
        assert_ne!(event.event, Added(2), "unlucky");
        Ok(())
    };
    let failures =
        [store.replay().into_handler(early).unwrap().await, store.replay().into_handler(late).unwrap().await];
    for failed in failures.map(Result::unwrap_err) {
        let Error::Handle { position, source } = failed.source else { unreachable!("{failed:?}") };
        assert_eq!((failed.position, position), (at(1), at(2)));
        assert!(source.downcast_ref::<Panicked>().unwrap().message.contains("unlucky"));
    }
}

#[tokio::test]
async fn a_projection_that_panics_ends_the_replay_and_tells_where() {
    #[derive(Debug)]
    struct Panicking;

    impl Projection for Panicking {
        type Event = Added;

        fn apply(&mut self, event: &Added) {
            assert_ne!(*event, Added(2), "unlucky");
        }
    }

    let store = numbered(InMemoryBackend::new(), 3).await;
    let failed = store.replay().into_projection(Panicking).unwrap().await.unwrap_err();
    assert!(matches!(failed.source, Error::Apply { position, .. } if position == at(2)), "{failed:?}");
    assert_eq!(failed.position, at(1));
}

#[tokio::test]
async fn progress_is_seen_until_the_end() {
    let (replay, mut begins) = gated(4).await;
    let mut updates = replay.updates();
    let word = tokio::spawn(async move {
        while let Some(begun) = begins.recv().await {
            begun.send(()).unwrap();
        }
    });
    let mut seen = vec![];
    while let Some(progress) = soon(updates.next()).await {
        seen.push(progress);
    }
    assert!(seen.is_sorted_by(|one, next| one.position <= next.position && one.events <= next.events));
    let last = seen.last().unwrap();
    assert_eq!((last.state, last.events, last.position), (ReplayState::Finished, 4, at(4)));
    assert_eq!(last.share(), Some(1.0));
    soon(replay).await.unwrap();
    soon(word).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn progress_tells_the_share_and_the_speed() {
    let store = clocked(&[0, 1, 2, 3]).await;
    let plan = store.replay().speed(ReplaySpeed::original());
    let replay = plan.into_projection(List::default()).unwrap();
    until(|| replay.progress().events == 1).await;
    assert_eq!(replay.progress().share(), Some(0.25));
    let control = replay.control();
    replay.await.unwrap();
    assert!((control.progress().events_per_second() - 4.0 / 3.0).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn until_a_moment_the_share_is_not_known_before_the_end() {
    let store = clocked(&[0, 1, 2]).await;
    let plan = store.replay().until(AsOf::Moment(second(1))).speed(ReplaySpeed::original());
    let replay = plan.into_projection(List::default()).unwrap();
    until(|| replay.progress().events == 1).await;
    assert_eq!(replay.progress().share(), None);
    let control = replay.control();
    replay.await.unwrap();
    assert_eq!(control.progress().share(), Some(1.0));
}

#[tokio::test]
async fn an_empty_range_is_finished_at_once() {
    let store = numbered(InMemoryBackend::new(), 3).await;
    let replay = store.replay().after(at(3)).into_projection(List::default()).unwrap();
    let replayed = soon(replay).await.unwrap();
    assert_eq!((replayed.events, replayed.position, replayed.end), (0, at(3), ReplayEnd::Finished));
}

#[test]
fn outside_a_runtime_a_replay_does_not_begin() {
    let plan = EventStore::<Added>::new().replay();
    assert!(matches!(plan.into_projection(List::default()), Err(Error::NoRuntime)));
}

#[test]
fn a_factor_is_positive_and_finite() {
    for factor in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let refused = ReplaySpeed::original_times(factor).unwrap_err();
        assert!(refused.to_string().contains("positive"), "{refused}");
    }
    assert_eq!(ReplaySpeed::original_times(1.0), Ok(ReplaySpeed::original()));
}
