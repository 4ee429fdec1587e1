//! Typed events and aggregates on a store that is closed, and opened again.
#![cfg(feature = "wal")]
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::{convert::Infallible, path::Path};

use allframe_cqrs::{
    Aggregate, Error, Event, EventFilter, EventStore, EventStoreBackend, EventTypeName, GlobalPosition,
    Repository, SnapshotPolicy, StoreError, StreamId, Version, WalBackend,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Deposited {
    amount: u64,
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

type Accounts = EventStore<Deposited, WalBackend>;

fn open(directory: &Path) -> Accounts {
    EventStore::with_backend(WalBackend::production(directory).unwrap())
}

async fn reopened(store: Accounts) -> Accounts {
    let directory = store.backend().path().to_owned();
    store.backend().close().await.unwrap();
    drop(store);
    open(&directory)
}

#[tokio::test]
async fn typed_events_are_there_after_closing_and_opening_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let appended =
        store.append("account-1", vec![Deposited { amount: 1 }, Deposited { amount: 2 }]).await.unwrap();

    let store = reopened(store).await;
    assert!(store.backend().recovery().was_closed);
    assert_eq!(
        store.get_events("account-1").await.unwrap(),
        [Deposited { amount: 1 }, Deposited { amount: 2 }]
    );
    let next = store.append("account-1", vec![Deposited { amount: 3 }]).await.unwrap();
    assert_eq!(next.first_version, Version::new(3));
    assert!(next.first_position > appended.last_position);
}

#[tokio::test]
async fn a_reader_goes_on_from_its_checkpoint_after_opening_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.append("account-1", vec![Deposited { amount: 1 }]).await.unwrap();
    let checkpoint =
        store.catch_up(GlobalPosition::START, EventFilter::all()).next().await.unwrap().position();

    let store = reopened(store).await;
    store.append("account-2", vec![Deposited { amount: 2 }]).await.unwrap();
    let next = store.catch_up(checkpoint, EventFilter::all()).next().await.unwrap();
    assert_eq!(next.event, Deposited { amount: 2 });
}

#[tokio::test]
async fn a_store_that_was_closed_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.backend().close().await.unwrap();
    let error = store.append("account-1", vec![Deposited { amount: 1 }]).await.unwrap_err();
    assert!(matches!(error, Error::Store(StoreError::Closed)), "{error:?}");
}

#[tokio::test]
async fn an_aggregate_has_its_snapshot_and_its_state_after_opening_again() {
    let directory = tempfile::tempdir().unwrap();
    let accounts =
        |store| Repository::<Account, _>::new(store).with_snapshots(SnapshotPolicy::after_events(3));
    let store = open(directory.path());
    for amount in 1..=8 {
        accounts(store.clone()).execute("account-1", deposit(amount)).await.unwrap();
    }

    let store = reopened(store).await;
    let stream = StreamId::new("account-1").unwrap();
    let snapshot = store.backend().get_latest_snapshot(&stream).await.unwrap().unwrap();
    assert_eq!(snapshot.version, Version::new(6));
    let loaded = accounts(store.clone()).load("account-1").await.unwrap();
    assert_eq!((loaded.aggregate.balance, loaded.version), (36, Version::new(8)));
    let executed = accounts(store).execute("account-1", deposit(4)).await.unwrap();
    assert_eq!((executed.aggregate.balance, executed.version), (40, Version::new(9)));
}
