//! Typed events and aggregates on a store that is closed, and opened again.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::convert::Infallible;

use allframe_cqrs::{
    Aggregate, Error, Event, EventFilter, EventStore, EventStoreBackend, EventTypeName, GlobalPosition,
    Repository, SnapshotPolicy, StoreError, StreamId, Version,
};
use serde::{Deserialize, Serialize};

use crate::home::Home;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Deposited {
    pub(crate) amount: u64,
}

impl EventTypeName for Deposited {}
impl Event for Deposited {}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Account {
    balance: u64,
}

impl Aggregate for Account {
    type Event = Deposited;

    fn apply_event(&mut self, event: &Deposited) {
        self.balance += event.amount;
    }
}

fn deposit(amount: u64) -> impl FnMut(&Account) -> Result<Vec<Deposited>, Infallible> {
    move |_| Ok(vec![Deposited { amount }])
}

/// A test of each case, in stores of this kind.
macro_rules! every_reopening {
    ($home:ident) => {
        crate::reopened::every_reopening! { $home:
            typed_events_are_there_after_closing_and_opening_again
            a_reader_goes_on_from_its_checkpoint_after_opening_again
            a_store_that_was_closed_says_so
            an_aggregate_has_its_snapshot_and_its_state_after_opening_again
        }
    };
    ($home:ident: $($case:ident)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                crate::reopened::$case::<$home>().await;
            }
        )+
    };
}
pub(crate) use every_reopening;

type Accounts<H> = EventStore<Deposited, <H as Home>::Backend>;

async fn open<H: Home>(home: &H) -> Accounts<H> {
    EventStore::with_backend(home.begin().await)
}

async fn reopened<H: Home>(store: Accounts<H>, home: &H) -> Accounts<H> {
    store.backend().close().await.unwrap();
    drop(store);
    open(home).await
}

pub(crate) async fn typed_events_are_there_after_closing_and_opening_again<H: Home>() {
    let home = H::default();
    let store = open(&home).await;
    let appended =
        store.append("account-1", vec![Deposited { amount: 1 }, Deposited { amount: 2 }]).await.unwrap();

    let store = reopened(store, &home).await;
    assert_eq!(
        store.get_events("account-1").await.unwrap(),
        [Deposited { amount: 1 }, Deposited { amount: 2 }]
    );
    let next = store.append("account-1", vec![Deposited { amount: 3 }]).await.unwrap();
    assert_eq!(next.first_version, Version::new(3));
    assert!(next.first_position > appended.last_position);
}

pub(crate) async fn a_reader_goes_on_from_its_checkpoint_after_opening_again<H: Home>() {
    let home = H::default();
    let store = open(&home).await;
    store.append("account-1", vec![Deposited { amount: 1 }]).await.unwrap();
    let checkpoint =
        store.catch_up(GlobalPosition::START, EventFilter::all()).next().await.unwrap().position();

    let store = reopened(store, &home).await;
    store.append("account-2", vec![Deposited { amount: 2 }]).await.unwrap();
    let next = store.catch_up(checkpoint, EventFilter::all()).next().await.unwrap();
    assert_eq!(next.event, Deposited { amount: 2 });
}

pub(crate) async fn a_store_that_was_closed_says_so<H: Home>() {
    let home = H::default();
    let store = open(&home).await;
    store.backend().close().await.unwrap();
    let error = store.append("account-1", vec![Deposited { amount: 1 }]).await.unwrap_err();
    assert!(matches!(error, Error::Store(StoreError::Closed)), "{error:?}");
}

pub(crate) async fn an_aggregate_has_its_snapshot_and_its_state_after_opening_again<H: Home>() {
    let home = H::default();
    let accounts =
        |store| Repository::<Account, _>::new(store).with_snapshots(SnapshotPolicy::after_events(3));
    let store = open(&home).await;
    for amount in 1..=8 {
        accounts(store.clone()).execute("account-1", deposit(amount)).await.unwrap();
    }

    let store = reopened(store, &home).await;
    let stream = StreamId::new("account-1").unwrap();
    let snapshot = store.backend().get_latest_snapshot(&stream).await.unwrap().unwrap();
    assert_eq!(snapshot.version, Version::new(6));
    let loaded = accounts(store.clone()).load("account-1").await.unwrap();
    assert_eq!((loaded.aggregate.balance, loaded.version), (36, Version::new(8)));
    let executed = accounts(store).execute("account-1", deposit(4)).await.unwrap();
    assert_eq!((executed.aggregate.balance, executed.version), (40, Version::new(9)));
}
