//! Each way to read goes through the upcasters, also where one event becomes several, or none.

use std::{collections::BTreeMap, num::NonZeroUsize, time::Duration};

use allframe_cqrs::{
    Aggregate, AsOf, EventFilter, EventStore, ExpectedVersion, GlobalPosition, InMemoryBackend, Projection,
    ProjectionRegistry, ReadAll, Recorded, Registration, Repository, SnapshotPolicy, StreamRange,
    StreamViews, UpcastContext, VersionRegistry, consumer_group::Lag, event,
};
use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};

/// As it was stored once: one event that is two today, one that is none, one with a field less.
#[event]
#[derive(Clone, Serialize, Deserialize)]
enum Earlier {
    Transferred { to: String, amount: u64 },
    Pinged,
    Deposited { amount: u64 },
}

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Today {
    #[event(version = 2)]
    Deposited {
        amount: u64,
        #[added(version = 2, default = "EUR")]
        currency: String,
    },
    Withdrawn {
        amount: u64,
    },
    Sent {
        to: String,
    },
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
struct Transferred {
    to: String,
    amount: u64,
}

fn versions() -> VersionRegistry<Today> {
    VersionRegistry::new().retire("Pinged").upcast(|old: Transferred, _: &UpcastContext<'_>| {
        vec![Today::Withdrawn { amount: old.amount }, Today::Sent { to: old.to }]
    })
}

/// Deposited 40, Transferred 15 to bob, Pinged, Deposited 2, all in one stream, and one of today.
async fn store() -> EventStore<Today, InMemoryBackend> {
    let backend = InMemoryBackend::new();
    EventStore::with_backend(backend.clone())
        .append(
            "account-7",
            vec![
                Earlier::Deposited { amount: 40 },
                Earlier::Transferred { to: "bob".into(), amount: 15 },
                Earlier::Pinged,
                Earlier::Deposited { amount: 2 },
            ],
        )
        .await
        .unwrap();
    let store = EventStore::with_backend(backend).with_versions(versions()).unwrap();
    store.append("account-7", vec![Today::Withdrawn { amount: 1 }]).await.unwrap();
    store
}

fn deposited(amount: u64) -> Today {
    Today::Deposited { amount, currency: "EUR".into() }
}

fn all() -> Vec<Today> {
    vec![
        deposited(40),
        Today::Withdrawn { amount: 15 },
        Today::Sent { to: "bob".into() },
        deposited(2),
        Today::Withdrawn { amount: 1 },
    ]
}

/// Version and part of each.
const PLACES: [(u64, usize); 5] = [(1, 0), (2, 0), (2, 1), (4, 0), (5, 0)];

fn events(recorded: &[Recorded<Today>]) -> Vec<Today> {
    let places: Vec<_> = recorded.iter().map(|event| (event.version().get(), event.part())).collect();
    let mut expected = PLACES.to_vec();
    if places.first() > places.last() {
        // Records from new to old, and what one reads as in its own order.
        expected.sort_by_key(|&(version, part)| (std::cmp::Reverse(version), part));
    }
    assert_eq!(places, expected);
    recorded.iter().map(|event| event.event.clone()).collect()
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Account {
    balance: u64,
    sent_to: Vec<String>,
    applied: usize,
}

impl Account {
    fn take(&mut self, event: &Today) {
        self.applied += 1;
        match event {
            Today::Deposited { amount, .. } => self.balance += amount,
            Today::Withdrawn { amount } => self.balance -= amount,
            Today::Sent { to } => self.sent_to.push(to.clone()),
        }
    }
}

impl Aggregate for Account {
    type Event = Today;

    fn apply_event(&mut self, event: &Today) {
        self.take(event);
    }
}

impl Projection for Account {
    type Event = Today;

    fn apply(&mut self, event: &Today) {
        self.take(event);
    }
}

fn account() -> Account {
    Account { balance: 26, sent_to: vec!["bob".into()], applied: 5 }
}

#[tokio::test]
async fn streams_and_lists() {
    let store = store().await;
    assert_eq!(store.get_events("account-7").await.unwrap(), all());
    assert_eq!(store.get_events_after("account-7", 1).await.unwrap(), all()[1..]);
    assert_eq!(store.get_all_events().await.unwrap(), all());
    let found = store.get_matching(&EventFilter::all()).await.unwrap();
    assert_eq!(events(&found.events), all());

    let forward: Vec<_> =
        store.read_stream("account-7", StreamRange::all()).unwrap().try_collect().await.unwrap();
    assert_eq!(events(&forward), all());
    let backward: Vec<_> =
        store.read_stream("account-7", StreamRange::backward()).unwrap().try_collect().await.unwrap();
    assert_eq!(events(&backward).len(), 5);
    let everything: Vec<_> = store.read_all(ReadAll::forward().limit(1)).try_collect().await.unwrap();
    assert_eq!(events(&everything), all());
}

#[tokio::test]
async fn a_filter_by_the_name_of_today_finds_no_other_names() {
    let store = store().await;
    let filter = EventFilter::types([allframe_cqrs::api::EventType::new("Transferred").unwrap()]);
    let found = store.get_matching(&filter).await.unwrap().events;
    assert_eq!(found.iter().map(Recorded::part).collect::<Vec<_>>(), [0, 1]);
}

#[tokio::test]
async fn a_filter_by_the_name_of_today_finds_aliases_and_so_does_a_condition() {
    #[event]
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Renamed {
        #[event(rename = "Credited", aliases("Deposited"))]
        Credited {
            amount: u64,
        },
        Pinged,
    }
    let backend = store().await.backend().clone();
    let store = EventStore::<Renamed, _>::with_backend(backend);
    store.append("account-8", vec![Renamed::Credited { amount: 1 }, Renamed::Pinged]).await.unwrap();
    let name = |name| allframe_cqrs::api::EventType::new(name).unwrap();

    let credited = EventFilter::types([name("Credited")]);
    let found = store.get_matching(&credited).await.unwrap().events;
    assert_eq!(
        found.iter().map(|found| found.event.clone()).collect::<Vec<_>>(),
        [Renamed::Credited { amount: 40 }, Renamed::Credited { amount: 2 }, Renamed::Credited { amount: 1 },]
    );
    let deposited = EventFilter::types([name("Deposited")]);
    let found = store.get_matching(&deposited).await.unwrap();
    assert_eq!(found.events.len(), 2);

    // Of an older program, behind what was read.
    let read = store.get_matching(&credited).await.unwrap();
    EventStore::with_backend(store.backend().clone())
        .append("account-7", vec![Earlier::Deposited { amount: 3 }])
        .await
        .unwrap();
    let decided = store.batch().append("account-8", ExpectedVersion::Any, [Renamed::Pinged]);
    assert!(decided.unless_matching(credited, read.position).commit().await.is_err());
}

#[tokio::test]
async fn catch_up_subscriptions_and_their_checkpoint() {
    let store = store().await;
    let mut reading = store.catch_up(GlobalPosition::START, EventFilter::all());
    let mut read = Vec::new();
    let mut checkpoints = Vec::new();
    while let Some(event) = reading.next_stored().await.unwrap() {
        checkpoints.push(reading.position());
        read.push(event);
    }
    assert_eq!(events(&read), all());
    // Between the two events of one record the checkpoint stays before it.
    assert_eq!(checkpoints[0], checkpoints[1]);
    assert!(checkpoints[1] < checkpoints[2]);
    let mut again = store.catch_up(checkpoints[1], EventFilter::all());
    assert_eq!(again.next().await.unwrap().event, Today::Withdrawn { amount: 15 });

    let (sender, mut receiver) = tokio::sync::mpsc::channel(8);
    store.subscribe(sender).await.unwrap();
    EventStore::with_backend(store.backend().clone())
        .append("account-8", vec![Transferred { to: "eve".into(), amount: 0 }])
        .await
        .unwrap();
    assert_eq!(receiver.recv().await, Some(Today::Withdrawn { amount: 0 }));
    assert_eq!(receiver.recv().await, Some(Today::Sent { to: "eve".into() }));
}

#[tokio::test]
async fn aggregates_with_snapshots_and_caches() {
    let store = store().await;
    let plain = Repository::<Account, _>::new(store.clone());
    assert_eq!(*plain.load("account-7").await.unwrap().aggregate, account());
    let then = plain.load_at_version("account-7", 2).await.unwrap();
    assert_eq!((then.aggregate.balance, then.version.get()), (25, 2));

    let kept = Repository::<Account, _>::new(store.clone())
        .with_snapshots(SnapshotPolicy::after_events(1))
        .with_cache(NonZeroUsize::new(8).unwrap());
    let done = kept
        .execute("account-7", |account: &Account| {
            Ok::<_, String>(vec![Today::Sent { to: account.balance.to_string() }])
        })
        .await
        .unwrap();
    assert_eq!((done.aggregate.applied, done.version.get()), (6, 6));
    // An older program goes on writing, and the tail behind the snapshot is upcast.
    EventStore::with_backend(store.backend().clone())
        .append("account-7", vec![Transferred { to: "eve".into(), amount: 6 }])
        .await
        .unwrap();
    let fresh = Repository::<Account, _>::new(store).with_snapshots(SnapshotPolicy::after_events(1));
    let loaded = fresh.load("account-7").await.unwrap();
    assert_eq!((loaded.aggregate.balance, loaded.aggregate.applied, loaded.version.get()), (20, 8, 7));
    assert_eq!(*kept.load("account-7").await.unwrap().aggregate, *loaded.aggregate);
}

#[tokio::test]
async fn projections_of_every_kind() {
    let store = store().await;
    let (mut projection, mut position) = (Account::default(), GlobalPosition::START);
    store.project(&mut projection, &mut position).await.unwrap();
    assert_eq!(projection, account());
    let now = AsOf::Position(position);
    assert_eq!(store.state_at::<Account>(now).await.unwrap().state, account());
    let views = StreamViews::<Account, _>::new(store.clone());
    assert_eq!(*views.get("account-7").await.unwrap().state, account());
    let replayed = store.replay().into_projection(Account::default()).unwrap().await.unwrap();
    assert_eq!(replayed.state, account());

    let registry = ProjectionRegistry::new(store.clone());
    let accounts = Registration::stored("accounts", 1, Account::default);
    registry.add(accounts).await.unwrap();
    let handle = registry.handle::<Account>().unwrap();
    handle.wait_until(position, Duration::from_secs(30)).await.unwrap();
    assert_eq!(*handle.read().await.unwrap(), account());
    handle.begin_rebuild().unwrap().finished().await.unwrap();
    assert_eq!(*handle.read().await.unwrap(), account());
}

#[tokio::test]
async fn consumers_of_a_group_are_given_each_and_done_with_a_record_at_once() {
    let store = store().await;
    let group = store.consumer_group("audit").with_partitions(1).open().await.unwrap();
    let mut consumer = group.join().unwrap();
    let mut handled = BTreeMap::new();
    for place in PLACES {
        let delivery = consumer.next().await.unwrap();
        let event = delivery.event();
        assert_eq!((event.version().get(), event.part()), place);
        handled.insert(place, event.event.clone());
        delivery.ack();
    }
    assert_eq!(handled.into_values().collect::<Vec<_>>(), all());
    consumer.close().await.unwrap();
    let status = group.status().await.unwrap();
    assert_eq!(status[0].lag, Lag::Exactly(0));
}
