//! A repository's cache saves reading, and is never the last word.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::{convert::Infallible, num::NonZeroUsize, sync::Arc};

use crate::support::{self, Watched, soon};
use allframe_cqrs::{Aggregate, EventStore, Repository, SnapshotPolicy, Version, event};
use eventstore_conformance::intercept::Intercepted;
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Added(u64);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Sum {
    total: u64,
    events: u64,
}

impl Aggregate for Sum {
    type Event = Added;

    fn apply_event(&mut self, Added(number): &Added) {
        self.total += number;
        self.events += 1;
    }
}

fn add(number: u64) -> impl FnMut(&Sum) -> Result<Vec<Added>, Infallible> {
    move |_| Ok(vec![Added(number)])
}

type Store = EventStore<Added, Arc<Intercepted<Watched>>>;

fn store() -> Store {
    EventStore::with_backend(Arc::new(Watched::new()))
}

fn cached(store: &Store, aggregates: usize) -> Repository<Sum, Arc<Intercepted<Watched>>> {
    Repository::new(store.clone()).with_cache(NonZeroUsize::new(aggregates).unwrap())
}

#[tokio::test]
async fn a_cached_aggregate_costs_only_the_events_that_have_come_since() {
    let store = store();
    let sums = cached(&store, 10);
    store.append("sum-1", vec![Added(1); 100]).await.unwrap();
    sums.load("sum-1").await.unwrap();
    assert_eq!(store.backend().take_events_read(), 100);

    sums.load("sum-1").await.unwrap();
    assert_eq!(store.backend().take_events_read(), 0);
    store.append("sum-1", vec![Added(2); 3]).await.unwrap();
    let loaded = sums.load("sum-1").await.unwrap();
    assert_eq!((loaded.aggregate.total, loaded.version), (106, Version::new(103)));
    assert_eq!(store.backend().take_events_read(), 3);
}

#[tokio::test]
async fn what_a_repository_has_appended_itself_it_need_not_read() {
    let store = store();
    let sums = cached(&store, 10);
    for number in 1..=20 {
        let done = sums.execute("sum-1", add(number)).await.unwrap();
        assert_eq!(done.version, Version::new(number));
    }
    assert_eq!(store.backend().take_events_read(), 0);
    assert_eq!(sums.load("sum-1").await.unwrap().aggregate.total, 210);
}

#[tokio::test]
async fn without_a_cache_every_load_reads_the_stream() {
    let store = store();
    store.append("sum-1", vec![Added(1); 10]).await.unwrap();
    let sums = Repository::<Sum, _>::new(store.clone());
    sums.load("sum-1").await.unwrap();
    sums.load("sum-1").await.unwrap();
    assert_eq!(store.backend().take_events_read(), 20);
}

#[tokio::test]
async fn stats_tell_how_well_the_cache_serves() {
    let store = store();
    store.append("sum-1", vec![Added(1); 10]).await.unwrap();
    let sums = cached(&store, 10);
    assert_eq!(sums.stats().hit_rate(), None);
    for _ in 0..4 {
        sums.load("sum-1").await.unwrap();
    }
    let stats = sums.stats();
    assert_eq!((stats.hits, stats.misses, stats.events_read, stats.entries), (3, 1, 10, 1));
    assert_eq!(stats.hit_rate(), Some(0.75));
}

#[tokio::test]
async fn a_stream_without_events_takes_no_room() {
    let sums = cached(&store(), 10);
    sums.load("sum-1").await.unwrap();
    assert_eq!((sums.stats().misses, sums.stats().entries), (1, 0));
}

#[tokio::test]
async fn a_decision_is_never_made_on_a_stale_state() {
    let store = store();
    let sums = cached(&store, 10);
    sums.execute("sum-1", add(1)).await.unwrap();
    for round in 0..10 {
        store.append("sum-1", vec![Added(100)]).await.unwrap();
        let total = (round + 1) * 100 + 1;
        let done = sums
            .execute("sum-1", |sum| {
                assert_eq!(sum.total, total, "what another handle has appended is in it");
                Ok::<_, Infallible>(vec![])
            })
            .await
            .unwrap();
        assert_eq!(done.attempts, 1);
    }
}

#[tokio::test]
async fn a_refused_decision_leaves_the_cached_state_as_it_was() {
    let store = store();
    let sums = cached(&store, 10);
    sums.execute("sum-1", add(1)).await.unwrap();
    sums.execute("sum-1", |_| Err::<Vec<Added>, _>("no")).await.unwrap_err();
    assert_eq!(*sums.load("sum-1").await.unwrap().aggregate, Sum { total: 1, events: 1 });
}

#[tokio::test]
async fn an_append_that_failed_leaves_no_trace_in_the_cache() {
    let second_fails = |number| match number {
        2 => support::Fate::Fails(support::unavailable()),
        _ => support::Fate::Goes,
    };
    let store: Store = EventStore::with_backend(Arc::new(Watched::with_fates(second_fails)));
    let sums = cached(&store, 10);
    sums.execute("sum-1", add(1)).await.unwrap();
    sums.execute("sum-1", add(10)).await.unwrap_err();
    assert_eq!(sums.load("sum-1").await.unwrap().aggregate.total, 1);
    assert_eq!(sums.execute("sum-1", add(100)).await.unwrap().aggregate.total, 101);
}

#[tokio::test]
async fn a_state_that_somebody_holds_does_not_change_under_his_hands() {
    let store = store();
    let sums = cached(&store, 10);
    let held = sums.execute("sum-1", add(1)).await.unwrap().aggregate;
    sums.execute("sum-1", add(2)).await.unwrap();
    store.append("sum-1", vec![Added(3)]).await.unwrap();
    assert_eq!(sums.load("sum-1").await.unwrap().aggregate.total, 6);
    assert_eq!(*held, Sum { total: 1, events: 1 });
}

#[tokio::test]
async fn the_cache_stays_bounded() {
    let store = store();
    let sums = cached(&store, 8);
    for number in 0..1_000 {
        sums.execute(format!("sum-{number}"), add(1)).await.unwrap();
    }
    store.backend().take_events_read();
    for number in 0..1_000 {
        sums.load(format!("sum-{number}")).await.unwrap();
    }
    let read = store.backend().take_events_read();
    assert!((1_000 - 16..=1_000).contains(&read), "{read} of 1000 streams were read again");
}

#[tokio::test]
async fn what_fell_out_of_the_cache_is_read_again() {
    let store = store();
    let sums = cached(&store, 1);
    for number in 0..100 {
        sums.execute(format!("sum-{number}"), add(number)).await.unwrap();
    }
    for number in 0..100 {
        assert_eq!(sums.load(format!("sum-{number}")).await.unwrap().aggregate.total, number);
    }
}

#[tokio::test]
async fn two_repositories_with_caches_over_one_store_agree() {
    let store = store();
    let (one, other) = (cached(&store, 10), cached(&store, 10));
    for number in 1..=50_u64 {
        let (first, second) = if number % 3 == 0 { (&one, &other) } else { (&other, &one) };
        first.execute("sum-1", add(number)).await.unwrap();
        let seen = second.load("sum-1").await.unwrap();
        assert_eq!((seen.aggregate.events, seen.version), (number, Version::new(number)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_over_two_caches_lose_no_decision() {
    const TASKS: u64 = 100;
    let store = store();
    let repositories = [1, 4].map(|size| Arc::new(cached(&store, size).with_max_attempts(u32::MAX)));
    let tasks: Vec<_> = (0..TASKS)
        .map(|number| {
            let sums = Arc::clone(&repositories[usize::from(number % 2 == 0)]);
            tokio::spawn(async move {
                // Each adds one more than there are events: a stale state would show in the sum.
                let decide = |sum: &Sum| Ok::<_, Infallible>(vec![Added(sum.events + 1)]);
                sums.execute(format!("sum-{}", number % 3), decide).await.unwrap();
            })
        })
        .collect();
    soon(futures_util::future::try_join_all(tasks)).await.unwrap();
    let mut events = 0;
    for stream in ["sum-0", "sum-1", "sum-2"] {
        let sum = repositories[0].load(stream).await.unwrap().aggregate;
        assert_eq!(sum.total, sum.events * (sum.events + 1) / 2);
        events += sum.events;
    }
    assert_eq!(events, TASKS);
}

#[tokio::test]
async fn cache_and_snapshots_work_together() {
    let store = store();
    let snapshots = SnapshotPolicy::after_events(4);
    let sums = cached(&store, 10).with_snapshots(snapshots);
    for number in 1..=9 {
        sums.execute("sum-1", add(number)).await.unwrap();
    }
    store.backend().take_events_read();

    let fresh = Repository::<Sum, _>::new(store.clone()).with_snapshots(SnapshotPolicy::never());
    assert_eq!(fresh.load("sum-1").await.unwrap().aggregate.total, 45);
    let read = store.backend().take_events_read();
    assert!(read <= 2, "a snapshot at 8 was taken though the states came from the cache; {read} events read");
}
