//! Views of single streams: never stale, whatever the cache holds.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::{
    num::{NonZeroU64, NonZeroUsize},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use crate::support::{Watched, soon};
use allframe_cqrs::{
    ApplyContext, ApplyError, Error, EventStore, GlobalPosition, Panicked, Projection, Recorded, StreamViews,
    Version, event,
};
use eventstore_conformance::intercept::Intercepted;
use futures_util::future::{join_all, try_join_all};
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Added(u64);

#[derive(Clone, Debug, Default, PartialEq)]
struct List(Vec<u64>);

impl Projection for List {
    type Event = Added;

    fn apply(&mut self, Added(number): &Added) {
        self.0.push(*number);
    }
}

type Store = EventStore<Added, Arc<Intercepted<Watched>>>;
type Views<P> = StreamViews<P, Arc<Intercepted<Watched>>>;

fn store() -> Store {
    EventStore::with_backend(Arc::new(Watched::new()))
}

fn cached<P: Projection<Event = Added> + Clone + 'static>(store: &Store, states: usize) -> Views<P> {
    StreamViews::new(store.clone()).with_cache(NonZeroUsize::new(states).unwrap())
}

#[tokio::test]
async fn a_view_is_what_the_events_of_its_stream_add_up_to() {
    let store = store();
    store.append("list-1", vec![Added(1), Added(2)]).await.unwrap();
    store.append("list-2", vec![Added(9)]).await.unwrap();
    let view = Views::<List>::new(store).get("list-1").await.unwrap();
    assert_eq!((view.0.clone(), view.version), (vec![1, 2], Version::new(2)));
}

#[tokio::test]
async fn a_stream_without_events_has_the_default_view_and_takes_no_room() {
    let views = cached::<List>(&store(), 10);
    let view = views.get("list-1").await.unwrap();
    assert_eq!((&*view.state, view.version), (&List::default(), Version::NONE));
    assert_eq!((views.stats().entries, views.stats().misses), (0, 1));
}

#[tokio::test]
async fn what_is_no_stream_id_is_refused() {
    cached::<List>(&store(), 10).get("").await.unwrap_err();
}

#[tokio::test]
async fn a_hit_reads_only_the_tail() {
    let store = store();
    let lists = cached::<List>(&store, 10);
    store.append("list-1", vec![Added(1); 100]).await.unwrap();
    lists.get("list-1").await.unwrap();
    store.backend().take_events_read();
    store.append("list-1", vec![Added(2); 3]).await.unwrap();
    assert_eq!(lists.get("list-1").await.unwrap().0.len(), 103);
    assert_eq!(store.backend().take_events_read(), 3);
}

#[tokio::test]
async fn without_a_cache_every_view_reads_its_stream() {
    let store = store();
    store.append("list-1", vec![Added(1); 10]).await.unwrap();
    let lists = Views::<List>::new(store);
    lists.get("list-1").await.unwrap();
    lists.get("list-1").await.unwrap();
    assert_eq!((lists.stats().events_read, lists.stats().hit_rate()), (20, Some(0.0)));
}

#[tokio::test]
async fn stats_count_hits_misses_and_events_read() {
    let store = store();
    store.append("list-1", vec![Added(1); 10]).await.unwrap();
    let lists = cached::<List>(&store, 10);
    assert_eq!(lists.stats().hit_rate(), None);
    for _ in 0..4 {
        lists.get("list-1").await.unwrap();
    }
    let stats = lists.stats();
    assert_eq!(
        (stats.hits, stats.misses, stats.events_read, stats.evictions, stats.entries),
        (3, 1, 10, 0, 1)
    );
    assert_eq!(stats.hit_rate(), Some(0.75));
}

#[tokio::test]
async fn a_view_that_somebody_holds_does_not_change_under_his_hands() {
    let store = store();
    let lists = cached::<List>(&store, 10);
    store.append("list-1", vec![Added(1)]).await.unwrap();
    let held = lists.get("list-1").await.unwrap();
    store.append("list-1", vec![Added(2)]).await.unwrap();
    assert_eq!(lists.get("list-1").await.unwrap().0, [1, 2]);
    assert_eq!(held.0, [1]);
}

static COPIES: AtomicUsize = AtomicUsize::new(0);

/// Counts its copies.
#[derive(Default)]
struct Costly;

impl Clone for Costly {
    fn clone(&self) -> Self {
        COPIES.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Projection for Costly {
    type Event = Added;

    fn apply(&mut self, _: &Added) {}
}

#[tokio::test]
async fn a_state_is_copied_only_while_somebody_holds_it() {
    let store = store();
    let views = cached::<Costly>(&store, 10);
    for _ in 0..10 {
        store.append("a", vec![Added(1)]).await.unwrap();
        views.get("a").await.unwrap();
    }
    assert_eq!(COPIES.load(Ordering::SeqCst), 0);
    let held = views.get("a").await.unwrap();
    store.append("a", vec![Added(1)]).await.unwrap();
    assert_ne!(views.get("a").await.unwrap().version, held.version);
    assert_eq!(COPIES.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_stream_of_many_pages_is_read_whole() {
    let store = EventStore::with_backend(Arc::new(Watched::with_short_pages()));
    store.append("list-1", (0..50).map(Added).collect()).await.unwrap();
    assert_eq!(cached::<List>(&store, 1).get("list-1").await.unwrap().0, (0..50).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_cache_holds_no_more_states_than_it_was_given_room_for() {
    let store = store();
    let lists = cached::<List>(&store, 8);
    for number in 0..200 {
        let stream = format!("list-{number}");
        store.append(stream.as_str(), vec![Added(number)]).await.unwrap();
        assert_eq!(lists.get(stream).await.unwrap().0, [number]);
    }
    let stats = lists.stats();
    assert!(stats.entries <= 8, "{stats:?}");
    assert_eq!(stats.evictions, 200 - stats.entries as u64);
}

#[tokio::test]
async fn a_weighed_cache_holds_no_more_than_its_weight() {
    let store = store();
    let weight = |list: &List| list.0.len() as u64;
    let lists = Views::<List>::new(store.clone()).with_weighed_cache(NonZeroU64::new(100).unwrap(), weight);
    for number in 0..30 {
        let stream = format!("list-{number}");
        store.append(stream.as_str(), vec![Added(number); 20]).await.unwrap();
        lists.get(stream).await.unwrap();
    }
    let stats = lists.stats();
    assert!((1..=5).contains(&stats.entries), "{stats:?}");
    assert_eq!(stats.evictions, 30 - stats.entries as u64);
}

#[tokio::test]
async fn a_state_heavier_than_the_cache_is_not_kept_and_drives_nobody_out() {
    let store = store();
    let weight = |list: &List| list.0.len() as u64;
    let lists = Views::<List>::new(store.clone()).with_weighed_cache(NonZeroU64::new(10).unwrap(), weight);
    store.append("light", vec![Added(1)]).await.unwrap();
    store.append("heavy", vec![Added(1); 11]).await.unwrap();
    for stream in ["light", "heavy", "light"] {
        lists.get(stream).await.unwrap();
    }
    assert_eq!((lists.stats().entries, lists.stats().hits), (1, 1));
}

static IS_BROKEN: AtomicBool = AtomicBool::new(false);

/// Fails at 13 as long as it is broken, when it has changed half of itself.
#[derive(Clone, Default)]
struct Fragile {
    seen: u64,
    sum: u64,
}

impl Projection for Fragile {
    type Event = Added;

    fn apply(&mut self, _: &Added) {}

    fn try_apply(&mut self, event: &Recorded<Added>, _: &mut ApplyContext) -> Result<(), ApplyError> {
        self.seen += 1;
        if event.event == Added(13) && IS_BROKEN.load(Ordering::SeqCst) {
            return Err("thirteen".into());
        }
        self.sum += event.event.0;
        Ok(())
    }
}

#[tokio::test]
async fn a_state_that_failed_midway_is_not_kept() {
    let store = store();
    let views = cached::<Fragile>(&store, 10);
    store.append("a", vec![Added(1)]).await.unwrap();
    views.get("a").await.unwrap();
    let failing = store.append("a", vec![Added(2), Added(13)]).await.unwrap().last_position;

    IS_BROKEN.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        let error = views.get("a").await.unwrap_err();
        assert!(matches!(error, Error::Apply { position, .. } if position == failing), "{error:?}");
    }
    IS_BROKEN.store(false, Ordering::SeqCst);
    let view = views.get("a").await.unwrap();
    assert_eq!((view.seen, view.sum, view.version), (3, 16, Version::new(3)));
}

/// Panics at 13.
#[derive(Clone, Debug, Default)]
struct Panicking;

impl Projection for Panicking {
    type Event = Added;

    fn apply(&mut self, Added(number): &Added) {
        assert_ne!(*number, 13, "unlucky");
    }
}

#[tokio::test]
async fn a_panic_is_an_error_that_says_where_and_what() {
    let store = store();
    let views = cached::<Panicking>(&store, 10);
    store.append("a", vec![Added(1), Added(13)]).await.unwrap();
    let error = views.get("a").await.unwrap_err();
    let Error::Apply { position, source } = error else { unreachable!("{error:?}") };
    assert_eq!(position, GlobalPosition::new(2));
    assert!(source.downcast_ref::<Panicked>().unwrap().message.contains("unlucky"), "{source}");
    assert_eq!(views.stats().entries, 0);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_named_and_costs_no_cached_state() {
    #[event]
    #[derive(Clone, Serialize, Deserialize)]
    struct Foreign;

    let store = store();
    let lists = cached::<List>(&store, 10);
    store.append("list-1", vec![Added(1)]).await.unwrap();
    lists.get("list-1").await.unwrap();
    let others = EventStore::<Foreign, _>::with_backend(Arc::clone(store.backend()));
    others.append("list-1", vec![Foreign]).await.unwrap();
    let error = lists.get("list-1").await.unwrap_err();
    assert!(matches!(&error, Error::Decode(at) if at.version == Version::new(2)), "{error:?}");
    assert_eq!(lists.stats().entries, 1);
}

#[tokio::test]
async fn those_who_ask_for_one_stream_at_once_read_it_once() {
    let store = store();
    store.append("list-1", vec![Added(1); 100]).await.unwrap();
    let lists = cached::<List>(&store, 10);
    let views = soon(join_all((0..20).map(|_| lists.get("list-1")))).await;
    assert!(views.into_iter().all(|view| view.unwrap().0.len() == 100));
    assert_eq!((lists.stats().events_read, lists.stats().misses), (100, 1));
}

#[tokio::test]
async fn an_invalidated_stream_is_read_from_its_beginning_and_no_other() {
    let store = store();
    let lists = cached::<List>(&store, 10);
    for stream in ["a", "b"] {
        store.append(stream, vec![Added(1); 10]).await.unwrap();
        lists.get(stream).await.unwrap();
    }
    lists.invalidate("a").unwrap();
    store.backend().take_events_read();
    lists.get("b").await.unwrap();
    assert_eq!(store.backend().take_events_read(), 0);
    lists.get("a").await.unwrap();
    assert_eq!(store.backend().take_events_read(), 10);
    lists.invalidate_all();
    assert_eq!(lists.stats().entries, 0);
}

static VIEWS: OnceLock<Views<SelfInvalidating>> = OnceLock::new();

/// Declares invalid what is being built of it.
#[derive(Clone, Debug, Default)]
struct SelfInvalidating;

impl Projection for SelfInvalidating {
    type Event = Added;

    fn apply(&mut self, _: &Added) {
        VIEWS.get().unwrap().invalidate("a").unwrap();
    }
}

#[tokio::test]
async fn a_state_that_is_invalidated_while_it_is_built_is_not_kept() {
    let store = store();
    store.append("a", vec![Added(1)]).await.unwrap();
    let views = VIEWS.get_or_init(|| cached(&store, 10));
    views.get("a").await.unwrap();
    assert_eq!(views.stats().entries, 0);
}

#[tokio::test]
async fn a_view_has_no_effects() {
    #[derive(Default)]
    struct Asks(Vec<bool>);

    impl Projection for Asks {
        type Event = Added;

        fn apply(&mut self, _: &Added) {}

        fn try_apply(&mut self, _: &Recorded<Added>, context: &mut ApplyContext) -> Result<(), ApplyError> {
            self.0.push(context.is_replaying());
            Ok(())
        }
    }

    let store = store();
    store.append("a", vec![Added(1); 2]).await.unwrap();
    assert_eq!(Views::<Asks>::new(store).get("a").await.unwrap().0, [true, true]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cached_views_equal_uncached_ones_while_others_append() {
    const STREAMS: [&str; 3] = ["list-0", "list-1", "list-2"];
    let store = store();
    let lists = Arc::new(cached::<List>(&store, 2));
    let uncached = Arc::new(Views::<List>::new(store.clone()));
    let writers = (0..4_u64).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 0..100_u64 {
                let stream = STREAMS[usize::try_from((writer + number) % 3).unwrap()];
                store.append(stream, vec![Added(writer * 1_000 + number); 2]).await.unwrap();
            }
        })
    });
    let readers = (0..4_usize).map(|reader| {
        let (lists, uncached) = (Arc::clone(&lists), Arc::clone(&uncached));
        tokio::spawn(async move {
            for round in 0..100 {
                let stream = STREAMS[(reader + round) % 3];
                let view = lists.get(stream).await.unwrap();
                let same = uncached.get_at_version(stream, view.version).await.unwrap();
                assert_eq!((&*view.state, view.version), (&*same.state, same.version));
            }
        })
    });
    soon(try_join_all(writers.chain(readers).collect::<Vec<_>>())).await.unwrap();
    for stream in STREAMS {
        let view = lists.get(stream).await.unwrap();
        assert_eq!(*view.state, *uncached.get(stream).await.unwrap().state);
    }
    assert!(lists.stats().hits > 0);
}
