//! States as they were at a point of the past.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::{num::NonZeroUsize, sync::Arc};

use crate::support::{
    Watched,
    clocked::{Clocked, second},
};
use allframe_cqrs::{
    Aggregate, AsOf, Error, EventStore, EventStoreBackend, GlobalPosition, InMemoryBackend, Projection,
    Repository, SnapshotPolicy, StreamViews, Version, event,
};
use eventstore_conformance::intercept::Intercepted;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Added(u64);

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Noted(u64);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct List(Vec<u64>);

impl Projection for List {
    type Event = Added;

    fn apply(&mut self, Added(number): &Added) {
        self.0.push(*number);
    }
}

impl Aggregate for List {
    type Event = Added;

    fn apply_event(&mut self, event: &Added) {
        self.apply(event);
    }
}

fn up_to(numbers: impl IntoIterator<Item = u64>) -> List {
    List(numbers.into_iter().collect())
}

fn room(states: usize) -> NonZeroUsize {
    NonZeroUsize::new(states).unwrap()
}

async fn clocked(seconds: &[i64]) -> EventStore<Added, Intercepted<Clocked>> {
    let store = EventStore::with_backend(Clocked::new(seconds));
    for number in 1..=seconds.len() as u64 {
        store.append("list-1", vec![Added(number)]).await.unwrap();
    }
    store
}

/// Some appends: the stream, how many events, and whether they are of another type.
fn history() -> impl Strategy<Value = Vec<(u8, u8, bool)>> {
    prop::collection::vec((0..3_u8, 1..4_u8, any::<bool>()), 0..12)
}

/// Makes a history, and says what was added where, at which position.
async fn make<B: EventStoreBackend>(
    backend: &Arc<B>,
    history: &[(u8, u8, bool)],
) -> Vec<(String, u64, GlobalPosition)> {
    let added = EventStore::<Added, _>::with_backend(Arc::clone(backend));
    let noted = EventStore::<Noted, _>::with_backend(Arc::clone(backend));
    let mut made = Vec::new();
    for (stream, count, is_other) in history {
        for _ in 0..*count {
            let number = made.len() as u64;
            if *is_other {
                noted.append(format!("note-{stream}"), vec![Noted(number)]).await.unwrap();
                continue;
            }
            let name = format!("list-{stream}");
            let appended = added.append(name.as_str(), vec![Added(number)]).await.unwrap();
            made.push((name, number, appended.last_position));
        }
    }
    made
}

fn block_on(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_projection_at_a_position_is_the_fold_of_the_events_up_to_there(history in history()) {
        block_on(async {
            let backend = Arc::new(InMemoryBackend::new());
            let made = make(&backend, &history).await;
            let head = backend.head().await.unwrap();
            let store = EventStore::<Added, _>::with_backend(backend);
            for position in 0..=head.get() + 1 {
                let position = GlobalPosition::new(position);
                let then = store.state_at::<List>(position).await.unwrap();
                let expected = up_to(made.iter().filter(|made| made.2 <= position).map(|made| made.1));
                assert_eq!((then.state, then.position), (expected, position.min(head)));
            }
        });
    }

    #[test]
    fn a_stream_at_a_position_or_a_version_is_the_fold_of_its_events_up_to_there(
        history in history(),
        loaded_first in any::<bool>(),
    ) {
        block_on(async {
            let backend = Arc::new(InMemoryBackend::new());
            let made = make(&backend, &history).await;
            let head = backend.head().await.unwrap();
            let store = EventStore::<Added, _>::with_backend(backend);
            let lists = Repository::<List, _>::new(store.clone())
                .with_cache(room(2))
                .with_snapshots(SnapshotPolicy::after_events(1));
            let views = StreamViews::<List, _>::new(store).with_cache(room(2));
            if loaded_first {
                lists.load("list-1").await.unwrap();
                views.get("list-1").await.unwrap();
            }
            for position in 0..=head.get() + 1 {
                let position = GlobalPosition::new(position);
                let events = made.iter().filter(|made| made.0 == "list-1" && made.2 <= position);
                let expected = up_to(events.map(|made| made.1));
                let version = Version::new(expected.0.len() as u64);
                let loaded = lists.load_at("list-1", position).await.unwrap();
                assert_eq!((&*loaded.aggregate, loaded.version), (&expected, version));
                let view = views.get_at("list-1", position).await.unwrap();
                assert_eq!((&*view.state, view.version), (&expected, version));
                let loaded = lists.load_at_version("list-1", version).await.unwrap();
                assert_eq!((&*loaded.aggregate, loaded.version), (&expected, version));
                let view = views.get_at_version("list-1", version).await.unwrap();
                assert_eq!((&*view.state, view.version), (&expected, version));
            }
        });
    }
}

#[tokio::test]
async fn a_moment_includes_all_that_was_recorded_at_it_and_nothing_later() {
    let store = clocked(&[10, 20, 20, 30]).await;
    for (moment, events) in [(9, 0), (10, 1), (19, 1), (20, 3), (29, 3), (30, 4), (99, 4)] {
        let expected = up_to(1..=events);
        let then = store.state_at::<List>(second(moment)).await.unwrap();
        assert_eq!((then.state, then.position.get()), (expected.clone(), events));
        let views = StreamViews::<List, _>::new(store.clone());
        assert_eq!(*views.get_at("list-1", second(moment)).await.unwrap().state, expected);
        let lists = Repository::<List, _>::new(store.clone());
        assert_eq!(*lists.load_at("list-1", second(moment)).await.unwrap().aggregate, expected);
    }
}

#[tokio::test]
async fn a_moment_ends_before_the_first_event_recorded_later_also_where_a_clock_ran_backwards() {
    let store = clocked(&[10, 30, 20]).await;
    let then = store.state_at::<List>(second(20)).await.unwrap();
    assert_eq!((then.state, then.position), (up_to([1]), GlobalPosition::new(1)));
}

#[tokio::test]
async fn a_moment_is_seen_also_from_a_snapshot_and_from_the_cache() {
    let store = EventStore::<Added, _>::with_backend(Clocked::new([10, 20, 30, 40, 50]));
    let lists = Repository::<List, _>::new(store.clone())
        .with_cache(room(1))
        .with_snapshots(SnapshotPolicy::after_events(3));
    for number in 1..=5 {
        lists.execute("list-1", |_| Ok::<_, Error>(vec![Added(number)])).await.unwrap();
    }
    let only_snapshots = Repository::<List, _>::new(store).with_snapshots(SnapshotPolicy::never());
    for events in 0..=5 {
        let moment = second(10 * i64::try_from(events).unwrap() + 5);
        for repository in [&lists, &only_snapshots] {
            let loaded = repository.load_at("list-1", moment).await.unwrap();
            assert_eq!(*loaded.aggregate, up_to(1..=events));
        }
    }
}

#[tokio::test]
async fn a_past_later_than_the_cached_state_costs_only_what_lies_between() {
    let store = EventStore::<Added, _>::with_backend(Arc::new(Watched::new()));
    let views = StreamViews::<List, _>::new(store.clone()).with_cache(room(1));
    store.append("list-1", (0..100).map(Added).collect()).await.unwrap();
    views.get("list-1").await.unwrap();
    store.append("list-1", (100..110).map(Added).collect()).await.unwrap();
    store.backend().take_events_read();
    assert_eq!(views.get_at_version("list-1", 105).await.unwrap().0.len(), 105);
    assert_eq!(store.backend().take_events_read(), 10);
}

#[tokio::test]
async fn looking_at_the_past_leaves_the_cache_as_it_is() {
    let store = EventStore::<Added, _>::with_backend(Arc::new(Watched::new()));
    let views = StreamViews::<List, _>::new(store.clone()).with_cache(room(1));
    store.append("list-1", (0..10).map(Added).collect()).await.unwrap();
    views.get("list-1").await.unwrap();
    views.get_at_version("list-1", 3).await.unwrap();
    views.get_at("list-2", GlobalPosition::new(3)).await.unwrap();
    store.backend().take_events_read();
    assert_eq!(*views.get("list-1").await.unwrap().state, up_to(0..10));
    assert_eq!(store.backend().take_events_read(), 0);
    assert_eq!((views.stats().hits, views.stats().misses), (1, 1));
}

#[tokio::test]
async fn a_version_not_reached_yet_gives_the_state_of_now() {
    let store = clocked(&[1, 2]).await;
    let loaded = Repository::<List, _>::new(store).load_at_version("list-1", 7).await.unwrap();
    assert_eq!((&*loaded.aggregate, loaded.version), (&up_to([1, 2]), Version::new(2)));
}

#[tokio::test]
async fn a_state_of_the_past_goes_on_from_its_position() {
    let store = clocked(&[10, 20, 30, 40]).await;
    for at in [AsOf::Moment(second(25)), AsOf::Position(GlobalPosition::new(2))] {
        let mut then = store.state_at::<List>(at).await.unwrap();
        assert_eq!(then.state, up_to([1, 2]));
        store.project(&mut then.state, &mut then.position).await.unwrap();
        assert_eq!(then.state, up_to([1, 2, 3, 4]));
    }
}

#[tokio::test]
async fn a_long_past_is_read_in_pages() {
    let store = EventStore::<Added, _>::with_backend(Arc::new(Watched::new()));
    store.append("list-1", (0..2_000).map(Added).collect()).await.unwrap();
    let then = store.state_at::<List>(GlobalPosition::new(1_900)).await.unwrap();
    assert_eq!(then.state, up_to(0..1_900));
    assert!(store.backend().largest_page() <= 512);
}

#[tokio::test]
async fn a_projection_that_panics_tells_where() {
    #[derive(Debug, Default)]
    struct Panicking;

    impl Projection for Panicking {
        type Event = Added;

        fn apply(&mut self, Added(number): &Added) {
            assert_ne!(*number, 2, "unlucky");
        }
    }

    let store = clocked(&[10, 20, 30]).await;
    store.state_at::<Panicking>(GlobalPosition::new(1)).await.unwrap();
    let error = store.state_at::<Panicking>(second(30)).await.unwrap_err();
    assert!(matches!(error, Error::Apply { position, .. } if position.get() == 2), "{error:?}");
}
