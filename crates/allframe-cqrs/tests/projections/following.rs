//! Projections that follow their store.

use std::sync::Arc;

use allframe_cqrs::{
    EventStore, EventStoreBackend, GlobalPosition, InMemoryBackend, Projection, ProjectionError,
    ProjectionRegistry, ProjectionState, Registration, event,
};
use serde::{Deserialize, Serialize};

use crate::{
    ledger::{Balances, Entry, SOON, deposit, fill},
    support::Watched,
};

fn balances(name: &str) -> Registration<Balances> {
    Registration::in_memory(name, Balances::default)
}

#[tokio::test]
async fn history_and_what_comes_after_it_are_applied_once_and_in_order() {
    let store = EventStore::new();
    let expected = fill(&store, 5_000).await;
    let registry = ProjectionRegistry::new(store.clone());
    registry.add(balances("balances")).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(*registry.get::<Balances>().await.unwrap(), expected);

    let position = deposit(&store, "account-new", 7).await;
    registry.wait_until(position, SOON).await.unwrap();
    let view = registry.get::<Balances>().await.unwrap();
    assert_eq!((view.accounts["account-new"], view.events, view.position()), (7, 5_001, position));
}

#[tokio::test]
async fn ten_projections_cost_one_read_of_the_log() {
    let watched = Arc::new(Watched::new());
    let store = EventStore::<Entry, _>::with_backend(Arc::clone(&watched));
    fill(&store, 20_000).await;
    let registry = ProjectionRegistry::new(store.clone());
    registry.add(balances("first")).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    let of_one = watched.pages_read();

    let registry = ProjectionRegistry::new(store);
    for number in 0..10 {
        registry.add(balances(&format!("balances-{number}"))).await.unwrap();
    }
    registry.wait_until_caught_up(SOON).await.unwrap();
    let of_ten = watched.pages_read() - of_one;
    // Each looks for the head once more when it is registered, and waits for events by itself.
    assert!(of_ten <= of_one + 30, "{of_ten} reads for ten, {of_one} for one");
}

#[tokio::test]
async fn a_projection_that_lags_behind_the_others_loses_nothing() {
    let store = EventStore::new();
    let registry = ProjectionRegistry::new(store.clone());
    registry.add(balances("early")).await.unwrap();
    registry.add(balances("late")).await.unwrap();
    registry.pause("late").await.unwrap();
    let expected = fill(&store, 40_000).await;
    registry.handle_named::<Balances>("early").unwrap().wait_until(head(&store).await, SOON).await.unwrap();
    registry.resume("late").await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    assert_eq!(*registry.get_named::<Balances>("late").await.unwrap(), expected);
}

#[tokio::test]
async fn a_paused_projection_stands_still_and_goes_on_where_it_was() {
    let store = EventStore::new();
    let registry = ProjectionRegistry::new(store.clone());
    registry.add(balances("balances")).await.unwrap();
    let first = deposit(&store, "account-1", 1).await;
    registry.wait_until(first, SOON).await.unwrap();
    registry.pause("balances").await.unwrap();

    let second = deposit(&store, "account-1", 2).await;
    let error = registry.wait_until(second, SOON).await.unwrap_err();
    assert!(matches!(error, ProjectionError::Paused { .. }), "{error:?}");
    assert_eq!(registry.get::<Balances>().await.unwrap().accounts["account-1"], 1);
    assert_eq!(registry.status_of("balances").await.unwrap().state, ProjectionState::Paused);

    registry.resume("balances").await.unwrap();
    registry.wait_until(second, SOON).await.unwrap();
    assert_eq!(registry.get::<Balances>().await.unwrap().accounts["account-1"], 3);
}

#[tokio::test]
async fn the_status_tells_position_lag_and_what_was_applied() {
    let store = EventStore::new();
    fill(&store, 300).await;
    let registry = ProjectionRegistry::new(store.clone());
    registry.add(balances("balances")).await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    registry.pause("balances").await.unwrap();
    for amount in 0..5 {
        deposit(&store, "account-1", amount).await;
    }

    let status = registry.status_of("balances").await.unwrap();
    assert_eq!((status.position, status.head), (GlobalPosition::new(300), GlobalPosition::new(305)));
    assert_eq!((status.lag_events, status.events_applied, status.stored), (5, 300, None));
    assert!(status.lag > std::time::Duration::ZERO && status.events_per_second > 0.0, "{status:?}");

    registry.resume("balances").await.unwrap();
    registry.wait_until_caught_up(SOON).await.unwrap();
    let status = &registry.status().await.unwrap()[0];
    assert_eq!(
        (status.name.as_str(), status.lag_events, status.lag),
        ("balances", 0, std::time::Duration::ZERO)
    );
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_when_the_time_is_up() {
    let store = EventStore::new();
    let registry = ProjectionRegistry::new(store.clone());
    registry.add(balances("balances")).await.unwrap();
    let position = deposit(&store, "account-1", 1).await;
    registry.wait_until(position, SOON).await.unwrap();
    let error = registry.wait_until(GlobalPosition::new(99), SOON).await.unwrap_err();
    let ProjectionError::TimedOut { wanted, position: reached, .. } = error else { panic!("{error:?}") };
    assert_eq!((wanted, reached), (GlobalPosition::new(99), position));
}

#[tokio::test]
async fn events_of_other_types_are_passed_by_and_waited_past() {
    #[event]
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Unrelated {}

    let backend = InMemoryBackend::new();
    let store = EventStore::<Entry, _>::with_backend(backend.clone());
    let other = EventStore::<Unrelated, _>::with_backend(backend);
    let registry = ProjectionRegistry::new(store.clone());
    registry.add(balances("balances")).await.unwrap();
    deposit(&store, "account-1", 1).await;
    let position = other.append("other-1", vec![Unrelated {}]).await.unwrap().last_position;
    registry.wait_until(position, SOON).await.unwrap();
    let view = registry.get::<Balances>().await.unwrap();
    assert_eq!((view.events, view.position()), (1, position));
}

#[tokio::test]
async fn a_projection_is_found_by_its_type_or_its_name_and_an_error_says_what_there_is() {
    struct Other;
    impl Projection for Other {
        type Event = Entry;
        fn apply(&mut self, _event: &Entry) {}
    }

    let registry = ProjectionRegistry::new(EventStore::new());
    let error = registry.get::<Balances>().await.unwrap_err();
    assert!(matches!(error, ProjectionError::NotRegistered { .. }), "{error:?}");
    registry.add(balances("one")).await.unwrap();
    assert!(registry.get::<Balances>().await.is_ok());
    let error = registry.add(balances("one")).await.unwrap_err();
    assert!(matches!(error, ProjectionError::NameTaken { .. }), "{error:?}");
    registry.add(balances("two")).await.unwrap();
    let error = registry.get::<Balances>().await.unwrap_err();
    let ProjectionError::Ambiguous { names, .. } = error else { panic!("{error:?}") };
    assert_eq!(names, ["one", "two"]);
    assert!(registry.get_named::<Balances>("two").await.is_ok());
    let error = registry.handle_named::<Other>("two").unwrap_err();
    assert!(matches!(error, ProjectionError::OtherType { .. }), "{error:?}");
    let error = registry.pause("three").await.unwrap_err();
    assert!(matches!(error, ProjectionError::NotRegistered { .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_no_name_is_refused() {
    let registry = ProjectionRegistry::new(EventStore::new());
    let stored = Registration::stored("a\u{7}b", 1, Balances::default);
    let error = registry.add(stored).await.unwrap_err();
    assert!(matches!(error, ProjectionError::InvalidName { .. }), "{error:?}");
}

#[test]
fn without_a_runtime_the_answer_is_an_error() {
    let registry = ProjectionRegistry::new(EventStore::new());
    let error =
        futures_util::FutureExt::now_or_never(registry.add(balances("balances"))).unwrap().unwrap_err();
    assert!(matches!(error, ProjectionError::NoRuntime), "{error:?}");
}

#[tokio::test]
async fn after_closing_the_state_is_still_readable_and_waiting_says_that_it_is_closed() {
    let store = EventStore::new();
    let registry = ProjectionRegistry::new(store.clone());
    registry.add(balances("balances")).await.unwrap();
    let position = deposit(&store, "account-1", 1).await;
    registry.wait_until(position, SOON).await.unwrap();
    registry.close().await.unwrap();
    registry.close().await.unwrap();
    let position = deposit(&store, "account-1", 1).await;
    let error = registry.wait_until(position, SOON).await.unwrap_err();
    assert!(matches!(error, ProjectionError::Closed { .. }), "{error:?}");
    assert_eq!(registry.get::<Balances>().await.unwrap().accounts["account-1"], 1);
}

async fn head(store: &EventStore<Entry>) -> GlobalPosition {
    store.backend().head().await.unwrap()
}
