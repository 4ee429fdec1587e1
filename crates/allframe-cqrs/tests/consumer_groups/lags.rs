//! How far a group lies behind, and what it costs to know.

use allframe_cqrs::{EventStore, consumer_group::Lag, event};
use eventstore_conformance::intercept::Intercepted;
use serde::{Deserialize, Serialize};

use crate::way::Way;

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Ordered {
    item: u64,
}

type Store = EventStore<Ordered, Intercepted<Way>>;

async fn order(store: &Store, stream: &str, items: u64) {
    for thousands in (0..items).step_by(1_000) {
        let items = (thousands..items.min(thousands + 1_000)).map(|item| Ordered { item });
        store.append(stream, items.collect()).await.unwrap();
    }
}

/// Of a group that has handled nothing.
async fn lags(store: &Store) -> Vec<Lag> {
    let group = store.consumer_group("lags").open().await.unwrap();
    group.status().await.unwrap().into_iter().map(|status| status.lag).collect()
}

fn how_many(lags: &[Lag], lag: Lag) -> usize {
    lags.iter().filter(|other| **other == lag).count()
}

#[tokio::test]
async fn a_lag_is_exact_where_the_end_is_near() {
    let store = Store::with_backend(Intercepted(Way::default()));
    order(&store, "order-1", 3).await;
    order(&store, "order-2", 1).await;
    let lags = lags(&store).await;
    assert_eq!([3, 1, 0].map(|events| how_many(&lags, Lag::Exactly(events))), [1, 1, 6], "{lags:?}");
}

#[tokio::test]
async fn a_long_backlog_of_one_partition_does_not_hide_the_short_one_of_another() {
    let store = Store::with_backend(Intercepted(Way::default()));
    order(&store, "order-1", 21_000).await;
    order(&store, "order-2", 1).await;
    let lags = lags(&store).await;
    assert_eq!([1, 0].map(|events| how_many(&lags, Lag::Exactly(events))), [1, 6], "{lags:?}");
    let at_least = |lag: &Lag| matches!(lag, Lag::AtLeast(events) if events.get() >= 10_000);
    assert_eq!(lags.iter().filter(|lag| at_least(lag)).count(), 1, "{lags:?}");
}

#[tokio::test]
async fn of_a_long_log_a_bounded_part_is_read_and_what_that_does_not_tell_is_unknown() {
    let way = Way::default();
    let store = Store::with_backend(Intercepted(way.clone()));
    order(&store, "order-1", 60_000).await;
    order(&store, "order-2", 1).await;
    way.take_events_read();
    let lags = lags(&store).await;
    assert_eq!(how_many(&lags, Lag::Unknown), 7, "{lags:?}");
    let read = way.take_events_read();
    assert!((30_000..36_000).contains(&read), "{read} events read");
}
