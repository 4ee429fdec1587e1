//! Typed events and aggregates on a PostgreSQL server that several processes share.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper that fails is a test that fails")]

use std::{convert::Infallible, error::Error as _, future::Future, iter, time::Duration};

use crate::schema::Schema;
use allframe_cqrs::{
    Aggregate, Command, CommandBus, Decision, Error, Event, EventFilter, EventStore, EventStoreBackend,
    EventTypeName, ExecuteError, Execution, ExpectedVersion, GlobalPosition, PostgresBackend, PostgresError,
    Repository, SnapshotPolicy, StoreError, StreamId, Version, postgres,
};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

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

type Accounts = EventStore<Deposited, PostgresBackend>;

/// The store as one more process has it: with connections of its own.
async fn process(schema: &Schema) -> Accounts {
    EventStore::with_backend(schema.open().await)
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.unwrap()
}

#[tokio::test]
async fn what_one_process_appends_another_reads() {
    let schema = Schema::new();
    let (one, other) = (process(&schema).await, process(&schema).await);
    one.append("account-1", vec![Deposited { amount: 1 }]).await.unwrap();
    other.append("account-1", vec![Deposited { amount: 2 }]).await.unwrap();
    let events = [Deposited { amount: 1 }, Deposited { amount: 2 }];
    assert_eq!(one.get_events("account-1").await.unwrap(), events);
    assert_eq!(other.get_events("account-1").await.unwrap(), events);
}

#[tokio::test]
async fn a_subscriber_hears_of_what_another_process_appends() {
    let schema = Schema::new();
    let (one, other) = (process(&schema).await, process(&schema).await);
    let (sender, mut receiver) = mpsc::channel(8);
    one.subscribe(sender).await.unwrap();
    for amount in 1..=20 {
        other.append("account-1", vec![Deposited { amount }]).await.unwrap();
        assert_eq!(soon(receiver.recv()).await, Some(Deposited { amount }));
    }
}

#[tokio::test]
async fn a_reader_goes_on_from_its_checkpoint_in_another_process() {
    let schema = Schema::new();
    let one = process(&schema).await;
    one.append("account-1", vec![Deposited { amount: 1 }, Deposited { amount: 2 }]).await.unwrap();
    let first = one.catch_up(GlobalPosition::START, EventFilter::all()).next().await.unwrap();

    let other = process(&schema).await;
    let next = soon(other.catch_up(first.position(), EventFilter::all()).next()).await.unwrap();
    assert_eq!(next.event, Deposited { amount: 2 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_decide_at_once_lose_nothing() {
    const EACH: u64 = 10;
    let schema = Schema::new();
    process(&schema).await;
    let decide = async || {
        let accounts = Repository::<Account, _>::new(process(&schema).await);
        let mut done = 0;
        while done < EACH {
            match accounts.execute("account-1", deposit(1)).await {
                Ok(_) => done += 1,
                // Of many who meet again and again, one may have to ask once more.
                Err(ExecuteError::Failed(Error::Store(StoreError::WrongExpectedVersion { .. }))) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    };
    soon(async { tokio::join!(decide(), decide(), decide()) }).await;
    let loaded = Repository::<Account, _>::new(process(&schema).await).load("account-1").await.unwrap();
    assert_eq!((loaded.aggregate.balance, loaded.version), (3 * EACH, Version::new(3 * EACH)));
}

#[tokio::test]
async fn an_aggregate_has_its_snapshot_and_its_state_in_another_process() {
    let schema = Schema::new();
    let accounts =
        |store| Repository::<Account, _>::new(store).with_snapshots(SnapshotPolicy::after_events(3));
    let one = accounts(process(&schema).await);
    for amount in 1..=8 {
        one.execute("account-1", deposit(amount)).await.unwrap();
    }

    let store = process(&schema).await;
    let stream = StreamId::new("account-1").unwrap();
    let snapshot = store.backend().get_latest_snapshot(&stream).await.unwrap().unwrap();
    assert_eq!(snapshot.version, Version::new(6));
    let loaded = accounts(store).load("account-1").await.unwrap();
    assert_eq!((loaded.aggregate.balance, loaded.version), (36, Version::new(8)));
}

#[tokio::test]
async fn a_store_that_was_closed_says_so() {
    let schema = Schema::new();
    let store = process(&schema).await;
    store.backend().close().await.unwrap();
    let error = store.append("account-1", vec![Deposited { amount: 1 }]).await.unwrap_err();
    assert!(matches!(error, Error::Store(StoreError::Closed)), "{error:?}");
}

#[tokio::test]
async fn what_the_server_said_can_be_got_at() {
    // A port on which nothing listens.
    let error = Error::from(PostgresBackend::connect("postgresql://ann@127.0.0.1:1/app").await.unwrap_err());
    assert!(matches!(&error, Error::Store(StoreError::Unavailable { .. })), "{error:?}");
    let mut causes = iter::successors(error.source(), |cause| (*cause).source());
    assert!(causes.any(|cause| matches!(cause.downcast_ref(), Some(PostgresError::Connect { .. }))));

    let refused = postgres::SchemaName::new("No-Schema").unwrap_err();
    assert!(matches!(refused, PostgresError::SchemaName { .. }));
}

struct Deposit;

impl Command for Deposit {}

/// What is known of a key is in the store: each process has connections, turns and memory of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_with_a_key_is_carried_out_once_whichever_processes_it_is_sent_to() {
    let schema = Schema::new();
    process(&schema).await;
    let bus = async || {
        CommandBus::builder(process(&schema).await)
            .function(|_: Deposit| async {
                Decision::none().append("account-1", ExpectedVersion::Any, vec![Deposited { amount: 1 }])
            })
            .build()
            .unwrap()
    };
    let (one, other) = (bus().await, bus().await);
    for round in 0..10 {
        let dispatch = |bus: &CommandBus<Deposited>| {
            let (bus, key) = (bus.clone(), format!("key-{round}"));
            async move { bus.dispatch_idempotent(Deposit, key).await.unwrap() }
        };
        let answers =
            soon(async { tokio::join!(dispatch(&one), dispatch(&other), dispatch(&one), dispatch(&other)) });
        let (a, b, c, d) = answers.await;
        let answers = [a, b, c, d];
        assert_eq!(
            answers.iter().filter(|done| done.execution == Execution::First).count(),
            1,
            "round {round}"
        );
        assert!(answers.iter().all(|done| done.appended == answers[0].appended), "round {round}");
    }
    let events = process(&schema).await.get_events("account-1").await.unwrap();
    assert_eq!(events.len(), 10);
}
