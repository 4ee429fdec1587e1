//! Domain code, and what it may expect of every store.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper that fails is a test that fails"
)]

use std::{future::Future, num::NonZeroUsize, time::Duration};

use allframe_cqrs::{
    Aggregate, Draft, Error, EventFilter, EventStore, EventStoreBackend, ExecuteError, ExpectedVersion,
    GlobalPosition, Projection, ReplaySpeed, Repository, SnapshotPolicy, StoreError, StreamId, StreamViews,
    Tag, Tags, Version, event,
};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum AccountEvent {
    Opened {
        owner: String,
    },
    #[event(rename = "Deposited")]
    MoneyDeposited {
        amount: u64,
    },
    Withdrawn {
        amount: u64,
    },
}

use AccountEvent::{MoneyDeposited, Opened, Withdrawn};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Account {
    balance: u64,
}

impl Aggregate for Account {
    type Event = AccountEvent;

    fn apply_event(&mut self, event: &AccountEvent) {
        match event {
            Opened { .. } => {}
            MoneyDeposited { amount } => self.balance += amount,
            Withdrawn { amount } => self.balance -= amount,
        }
    }
}

impl Account {
    fn withdraw(&self, amount: u64) -> Result<Vec<AccountEvent>, &'static str> {
        if self.balance < amount { Err("too much") } else { Ok(vec![Withdrawn { amount }]) }
    }
}

#[derive(Clone, Default)]
struct Turnover(u64);

impl Projection for Turnover {
    type Event = AccountEvent;

    fn apply(&mut self, event: &AccountEvent) {
        if let MoneyDeposited { amount } | Withdrawn { amount } = event {
            self.0 += amount;
        }
    }
}

/// A module with a test of each case, in stores of this kind.
macro_rules! every_case {
    (in $name:ident, $home:ident) => {
        crate::domain::every_case! { in $name, $home:
            what_is_appended_is_read
            of_two_who_have_read_the_same_one_is_told
            decisions_that_meet_are_made_one_after_the_other
            a_decision_may_be_a_refusal
            an_aggregate_is_loaded_from_its_snapshot_on
            several_streams_change_together_or_not_at_all
            a_name_is_taken_once
            a_reader_goes_from_history_into_the_present
            a_subscriber_hears_of_what_comes
            a_read_model_takes_only_what_is_new
            a_view_of_a_stream_is_as_the_stream_is
            the_past_is_as_it_was
            a_replay_hands_out_its_range
        }
    };
    (in $name:ident, $home:ident: $($case:ident)+) => {
        mod $name {
            use super::$home;
            use crate::{domain, home::Home};

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let home = $home::default();
                    let store = allframe_cqrs::EventStore::with_backend(home.begin().await);
                    domain::soon(domain::$case(store)).await;
                }
            )+
        }
    };
}
pub(crate) use every_case;

pub(crate) type Accounts<B> = EventStore<AccountEvent, B>;

/// What a future comes to; a test that would wait for ever fails instead.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.unwrap()
}

fn opened(owner: &str) -> AccountEvent {
    Opened { owner: owner.to_owned() }
}

pub(crate) async fn what_is_appended_is_read<B: EventStoreBackend>(store: Accounts<B>) {
    let events = [opened("ann"), MoneyDeposited { amount: 3 }, opened("bob"), Withdrawn { amount: 1 }];
    store.append("account-1", events[..2].to_vec()).await.unwrap();
    store.append("account-2", vec![events[2].clone()]).await.unwrap();
    let appended = store.append("account-1", vec![events[3].clone()]).await.unwrap();
    assert_eq!(appended.first_version, Version::new(3));
    assert_eq!(store.get_events("account-1").await.unwrap(), [0, 1, 3].map(|it| events[it].clone()));
    assert_eq!(store.get_events_after("account-1", 2).await.unwrap(), events[3..]);
    assert_eq!(store.get_all_events().await.unwrap(), events);
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.total_events, stats.total_streams, stats.head), (4, 2, appended.last_position));
}

pub(crate) async fn of_two_who_have_read_the_same_one_is_told<B: EventStoreBackend>(store: Accounts<B>) {
    let seen = store.append("account-1", vec![opened("ann")]).await.unwrap().last_version;
    let append = |amount| {
        store.append_expecting("account-1", ExpectedVersion::Exact(seen), vec![MoneyDeposited { amount }])
    };
    let (one, other) = tokio::join!(append(1), append(2));
    let (won, lost) = if one.is_ok() { (one, other) } else { (other, one) };
    assert_eq!(won.unwrap().last_version, Version::new(2));
    let lost = lost.unwrap_err();
    let is_told = matches!(
        &lost,
        Error::Store(StoreError::WrongExpectedVersion { actual, .. }) if *actual == Version::new(2)
    );
    assert!(is_told, "{lost:?}");
    assert_eq!(store.get_events("account-1").await.unwrap().len(), 2);
}

pub(crate) async fn decisions_that_meet_are_made_one_after_the_other<B: EventStoreBackend>(
    store: Accounts<B>,
) {
    const EACH: u64 = 6;
    store.append("account-1", vec![MoneyDeposited { amount: 3 * EACH }]).await.unwrap();
    let accounts = Repository::<Account, B>::new(store);
    let withdraw = async || {
        let mut withdrawn = 0;
        while withdrawn < EACH {
            match accounts.execute("account-1", |account| account.withdraw(1)).await {
                Ok(_) => withdrawn += 1,
                // Of many who meet again and again, one may have to ask once more.
                Err(ExecuteError::Failed(Error::Store(StoreError::WrongExpectedVersion { .. }))) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    };
    tokio::join!(withdraw(), withdraw(), withdraw());
    let loaded = accounts.load("account-1").await.unwrap();
    assert_eq!((loaded.aggregate.balance, loaded.version), (0, Version::new(1 + 3 * EACH)));
}

pub(crate) async fn a_decision_may_be_a_refusal<B: EventStoreBackend>(store: Accounts<B>) {
    store.append("account-1", vec![MoneyDeposited { amount: 5 }]).await.unwrap();
    let accounts = Repository::<Account, B>::new(store.clone());
    let refused = accounts.execute("account-1", |account| account.withdraw(6)).await.unwrap_err();
    assert!(matches!(refused, ExecuteError::Rejected("too much")), "{refused:?}");
    assert_eq!(store.stats().await.unwrap().total_events, 1);
}

pub(crate) async fn an_aggregate_is_loaded_from_its_snapshot_on<B: EventStoreBackend>(store: Accounts<B>) {
    let accounts =
        Repository::<Account, B>::new(store.clone()).with_snapshots(SnapshotPolicy::after_events(3));
    for amount in 1..=7 {
        let deposit = move |_: &Account| Ok::<_, &str>(vec![MoneyDeposited { amount }]);
        accounts.execute("account-1", deposit).await.unwrap();
    }
    let stream = StreamId::new("account-1").unwrap();
    let snapshot = store.backend().get_latest_snapshot(&stream).await.unwrap().unwrap();
    assert_eq!(snapshot.version, Version::new(6));
    let loaded = accounts.load("account-1").await.unwrap();
    assert_eq!((loaded.aggregate.balance, loaded.version), (28, Version::new(7)));
    assert_eq!(store.stats().await.unwrap().total_snapshots, 1);
}

pub(crate) async fn several_streams_change_together_or_not_at_all<B: EventStoreBackend>(store: Accounts<B>) {
    store.append("account-1", vec![MoneyDeposited { amount: 5 }]).await.unwrap();
    let transfer = |seen: u64| {
        store
            .batch()
            .append("account-1", ExpectedVersion::Exact(Version::new(seen)), [Withdrawn { amount: 2 }])
            .append("account-2", ExpectedVersion::Any, [MoneyDeposited { amount: 2 }])
    };
    transfer(7).commit().await.unwrap_err();
    assert_eq!(store.get_events("account-2").await.unwrap(), []);
    transfer(1).commit().await.unwrap();
    assert_eq!(store.get_events("account-1").await.unwrap().len(), 2);
    assert_eq!(store.get_events("account-2").await.unwrap(), [MoneyDeposited { amount: 2 }]);
}

pub(crate) async fn a_name_is_taken_once<B: EventStoreBackend>(store: Accounts<B>) {
    let tags = Tags::new([Tag::of("owner", "ann").unwrap()]).unwrap();
    let taken = EventFilter::tagged(tags.clone());
    let open = |stream: &'static str| {
        store
            .batch()
            .append(stream, ExpectedVersion::NoStream, [Draft::new(opened("ann")).with_tags(tags.clone())])
            .unless_matching(taken.clone(), GlobalPosition::START)
            .commit()
    };
    let (one, other) = tokio::join!(open("account-1"), open("account-2"));
    assert!(one.is_ok() != other.is_ok());
    let refused = one.and(other).unwrap_err();
    assert!(matches!(refused, Error::Store(StoreError::ConditionFailed { .. })), "{refused:?}");
}

pub(crate) async fn a_reader_goes_from_history_into_the_present<B: EventStoreBackend>(store: Accounts<B>) {
    let events =
        |range: std::ops::Range<u64>| range.map(|amount| MoneyDeposited { amount }).collect::<Vec<_>>();
    for amount in 0..20 {
        store.append(format!("account-{}", amount % 3), events(amount..amount + 1)).await.unwrap();
    }
    let mut reader = store.catch_up(GlobalPosition::START, EventFilter::all()).with_page_size(7);
    let mut read = Vec::new();
    while read.len() < 40 {
        if read.len() == 20 {
            store.append("account-9", events(20..40)).await.unwrap();
        }
        read.push(reader.next().await.unwrap().event);
    }
    assert_eq!(read, events(0..40));
    assert_eq!(reader.position(), store.backend().head().await.unwrap());
}

pub(crate) async fn a_subscriber_hears_of_what_comes<B: EventStoreBackend>(store: Accounts<B>) {
    store.append("account-1", vec![MoneyDeposited { amount: 1 }]).await.unwrap();
    let (sender, mut receiver) = mpsc::channel(1);
    store.subscribe(sender).await.unwrap();
    store.append("account-1", vec![MoneyDeposited { amount: 2 }, Withdrawn { amount: 3 }]).await.unwrap();
    assert_eq!(receiver.recv().await, Some(MoneyDeposited { amount: 2 }));
    assert_eq!(receiver.recv().await, Some(Withdrawn { amount: 3 }));
}

pub(crate) async fn a_read_model_takes_only_what_is_new<B: EventStoreBackend>(store: Accounts<B>) {
    let (mut turnover, mut checkpoint) = (Turnover::default(), GlobalPosition::START);
    for (amount, expected) in [(40, 40), (2, 42)] {
        store.append("account-1", vec![MoneyDeposited { amount }]).await.unwrap();
        store.project(&mut turnover, &mut checkpoint).await.unwrap();
        assert_eq!(turnover.0, expected);
    }
}

pub(crate) async fn a_view_of_a_stream_is_as_the_stream_is<B: EventStoreBackend>(store: Accounts<B>) {
    let views = StreamViews::<Turnover, B>::new(store.clone()).with_cache(NonZeroUsize::MIN);
    for (amount, expected) in [(40, 40), (2, 42)] {
        store.append("account-1", vec![MoneyDeposited { amount }]).await.unwrap();
        assert_eq!(views.get("account-1").await.unwrap().0, expected);
    }
    assert_eq!((views.stats().hits, views.stats().events_read), (1, 2));
}

pub(crate) async fn the_past_is_as_it_was<B: EventStoreBackend>(store: Accounts<B>) {
    let mut positions = vec![];
    for number in 0..6 {
        let stream = format!("account-{}", number % 2);
        let appended = store.append(stream, vec![MoneyDeposited { amount: 1 << number }]).await.unwrap();
        positions.push(appended.last_position);
    }
    let accounts = Repository::<Account, B>::new(store.clone());
    for (number, position) in positions.into_iter().enumerate() {
        let then = store.state_at::<Turnover>(position).await.unwrap();
        assert_eq!((then.state.0, then.position), ((2 << number) - 1, position));
        let account = accounts.load_at("account-0", position).await.unwrap();
        assert_eq!(account.aggregate.balance, then.state.0 & 0b01_0101);
    }
    let all = store.read_all(allframe_cqrs::ReadAll::forward());
    let all: Vec<_> = futures_util::TryStreamExt::try_collect(all).await.unwrap();
    let moment = all[2].recorded_at();
    let deposits = all.iter().filter(|event| event.recorded_at() <= moment);
    let then = store.state_at::<Turnover>(moment).await.unwrap();
    assert_eq!(then.state.0, (1 << deposits.count()) - 1);
}

pub(crate) async fn a_replay_hands_out_its_range<B: EventStoreBackend>(store: Accounts<B>) {
    let deposit = |number: u64| store.append("account-1", vec![MoneyDeposited { amount: 1 << number }]);
    let first = deposit(0).await.unwrap().last_position;
    deposit(1).await.unwrap();
    store.append("other-1", vec![MoneyDeposited { amount: 1 << 2 }]).await.unwrap();
    let fourth = deposit(3).await.unwrap().last_position;
    deposit(4).await.unwrap();
    let plan = store.replay().after(first).until(fourth).filter(EventFilter::stream_prefix("account-"));
    let plan = plan.speed(ReplaySpeed::original()).max_gap(Duration::from_millis(1));
    let replayed = plan.into_projection(Turnover::default()).unwrap().await.unwrap();
    assert_eq!((replayed.state.0, replayed.events, replayed.position), (0b1010, 2, fourth));
}
