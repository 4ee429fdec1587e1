//! Load, decide, append: one call, under a guard, tried again when others were faster.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::support::{Fate, Watched, conflict, outcome_unknown, soon, unavailable};
use allframe_cqrs::{
    Aggregate, Error, EventStore, EventStoreBackend, ExecuteError, ExpectedVersion, GlobalPosition,
    InMemoryBackend, InvalidInput, Metadata, Repository, StoreError, StreamId, StreamRange, Version, event,
};
use eventstore_conformance::intercept::Intercepted;
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum AccountEvent {
    Deposited(u64),
    Withdrawn(u64),
}

use AccountEvent::{Deposited, Withdrawn};

#[derive(Debug, Default)]
struct Account {
    balance: u64,
}

impl Aggregate for Account {
    type Event = AccountEvent;

    fn apply_event(&mut self, event: &AccountEvent) {
        match event {
            Deposited(amount) => self.balance += amount,
            Withdrawn(amount) => self.balance -= amount,
        }
    }
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("only {available} are there")]
struct NotEnough {
    available: u64,
}

impl Account {
    fn withdraw(&self, amount: u64) -> Result<Vec<AccountEvent>, NotEnough> {
        if amount > self.balance {
            return Err(NotEnough { available: self.balance });
        }
        Ok(vec![Withdrawn(amount)])
    }
}

/// A decision that is always made.
fn deposit(amount: u64) -> impl FnMut(&Account) -> Result<Vec<AccountEvent>, NotEnough> {
    move |_| Ok(vec![Deposited(amount)])
}

fn repository(backend: Intercepted<Watched>) -> Repository<Account, Intercepted<Watched>> {
    Repository::new(EventStore::with_backend(backend))
}

#[tokio::test]
async fn what_was_decided_is_stored_and_applied() {
    let accounts = Repository::<Account>::new(EventStore::new());
    let first = accounts.execute("account-1", deposit(42)).await.unwrap();
    assert_eq!((first.aggregate.balance, first.version, first.attempts), (42, Version::new(1), 1));
    assert_eq!(first.events, [Deposited(42)]);

    let second = accounts.execute("account-1", |account| account.withdraw(40)).await.unwrap();
    assert_eq!((second.aggregate.balance, second.version), (2, Version::new(2)));
    assert!(second.position > first.position);
    let stored = accounts.store().get_events("account-1").await.unwrap();
    assert_eq!(stored, [Deposited(42), Withdrawn(40)]);
}

#[tokio::test]
async fn a_state_is_built_of_all_pages_of_its_stream() {
    let accounts = repository(Watched::with_short_pages());
    for amount in 1..=9 {
        accounts.execute("account-1", deposit(amount)).await.unwrap();
    }
    let loaded = accounts.load("account-1").await.unwrap();
    assert_eq!((loaded.aggregate.balance, loaded.version), (45, Version::new(9)));
    assert_eq!(accounts.store().backend().largest_page(), 1);
}

#[tokio::test]
async fn the_answers_position_is_that_of_the_last_event_stored() {
    let accounts = Repository::<Account>::new(EventStore::new());
    let done = accounts
        .execute("account-1", |_| Ok::<_, NotEnough>(vec![Deposited(1), Deposited(2)]))
        .await
        .unwrap();
    assert_eq!(done.version, Version::new(2));
    assert_eq!(done.position, Some(accounts.store().stats().await.unwrap().head));
}

#[tokio::test]
async fn a_refusal_is_handed_back_and_nothing_is_stored() {
    let accounts = Repository::<Account>::new(EventStore::new());
    accounts.execute("account-1", deposit(1)).await.unwrap();
    let refused = accounts.execute("account-1", |account| account.withdraw(2)).await.unwrap_err();
    assert_eq!(refused.to_string(), "only 1 are there");
    assert!(matches!(&refused, ExecuteError::Rejected(NotEnough { available: 1 })));
    assert_eq!(String::from(refused), "only 1 are there");
    assert_eq!(accounts.store().stats().await.unwrap().total_events, 1);
}

#[tokio::test]
async fn a_decision_without_events_stores_nothing_and_succeeds() {
    let accounts = repository(Watched::new());
    accounts.execute("account-1", deposit(7)).await.unwrap();
    let done = accounts.execute("account-1", |_| Ok::<_, NotEnough>(vec![])).await.unwrap();
    assert_eq!((done.aggregate.balance, done.version, done.position), (7, Version::new(1), None));
    assert!(done.events.is_empty());
    assert_eq!(accounts.store().backend().appends(), 1);
}

#[tokio::test]
async fn an_aggregate_is_what_its_stream_adds_up_to() {
    let accounts = Repository::<Account>::new(EventStore::new());
    let unwritten = accounts.load("account-1").await.unwrap();
    assert_eq!((unwritten.aggregate.balance, unwritten.version), (0, Version::NONE));

    accounts.store().append("account-1", vec![Deposited(5), Withdrawn(2), Deposited(4)]).await.unwrap();
    let loaded = accounts.load("account-1").await.unwrap();
    assert_eq!((loaded.aggregate.balance, loaded.version), (7, Version::new(3)));
}

#[tokio::test]
async fn a_long_stream_is_loaded_in_pages() {
    let accounts = repository(Watched::new());
    accounts.store().append("account-1", vec![Deposited(1); 5_000]).await.unwrap();
    let loaded = accounts.load("account-1").await.unwrap();
    assert_eq!((loaded.aggregate.balance, loaded.version), (5_000, Version::new(5_000)));
    assert!(accounts.store().backend().largest_page() < 5_000);
    assert_eq!(accounts.store().backend().take_events_read(), 5_000, "each once");
}

#[tokio::test]
async fn what_is_no_stream_id_is_refused_before_anything_is_decided() {
    let accounts = Repository::<Account>::new(EventStore::new());
    let decided = Cell::new(false);
    let decide = |_: &Account| {
        decided.set(true);
        Ok::<_, NotEnough>(vec![Deposited(1)])
    };
    let refused = accounts.execute("", decide).await.unwrap_err();
    let ExecuteError::Failed(Error::Store(StoreError::InvalidInput(InvalidInput::Empty { .. }))) = refused
    else {
        panic!("not an invalid input: {refused:?}")
    };
    assert!(!decided.get());
}

#[tokio::test]
async fn an_event_that_cannot_be_read_stops_the_decision() {
    #[event]
    #[derive(Clone, Serialize, Deserialize)]
    struct Foreign;

    let backend = InMemoryBackend::new();
    EventStore::with_backend(backend.clone()).append("account-1", vec![Foreign]).await.unwrap();
    let accounts = Repository::<Account>::new(EventStore::with_backend(backend));
    let failed = accounts.execute("account-1", deposit(1)).await.unwrap_err();
    assert!(matches!(failed, ExecuteError::Failed(Error::Decode(_))), "{failed:?}");
    assert!(matches!(accounts.load("account-1").await, Err(Error::Decode(_))));
}

#[tokio::test]
async fn metadata_reaches_every_event() {
    let accounts = Repository::<Account>::new(EventStore::new());
    let metadata = Metadata::new().with_correlation_id("request-9").with_causation_id("command-3");
    let decide = |_: &Account| Ok::<_, NotEnough>(vec![Deposited(1), Deposited(2)]);
    accounts.execute_with(metadata.clone(), "account-1", decide).await.unwrap();
    let recorded: Vec<_> =
        accounts.store().read_stream("account-1", StreamRange::all()).unwrap().try_collect().await.unwrap();
    assert_eq!(recorded.len(), 2);
    assert!(recorded.iter().all(|recorded| recorded.metadata() == &metadata));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_concurrent_decisions_each_takes_effect_exactly_once() {
    const TASKS: u64 = 200;
    let accounts = Arc::new(Repository::<Account>::new(EventStore::new()).with_max_attempts(u32::MAX));
    let tasks: Vec<_> = (1..=TASKS)
        .map(|amount| {
            let accounts = Arc::clone(&accounts);
            tokio::spawn(async move { accounts.execute("account-1", deposit(amount)).await.unwrap().version })
        })
        .collect();
    let mut versions = soon(futures_util::future::try_join_all(tasks)).await.unwrap();
    versions.sort_unstable();
    assert_eq!(versions, (1..=TASKS).map(Version::new).collect::<Vec<_>>());
    let account = accounts.load("account-1").await.unwrap().aggregate;
    assert_eq!(account.balance, TASKS * (TASKS + 1) / 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_decisions_never_break_the_rule_they_were_made_by() {
    let accounts = Arc::new(Repository::<Account>::new(EventStore::new()).with_max_attempts(u32::MAX));
    accounts.execute("account-1", deposit(10)).await.unwrap();
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let accounts = Arc::clone(&accounts);
            tokio::spawn(
                async move { accounts.execute("account-1", |account| account.withdraw(1)).await.is_ok() },
            )
        })
        .collect();
    let answers = soon(futures_util::future::try_join_all(tasks)).await.unwrap();
    assert_eq!(answers.into_iter().filter(|&withdrawn| withdrawn).count(), 10);
    assert_eq!(accounts.load("account-1").await.unwrap().aggregate.balance, 0);
}

#[tokio::test]
async fn a_decision_that_lost_is_made_anew_on_what_has_come_and_only_that_is_read() {
    let accounts = repository(Watched::new());
    let store = accounts.store();
    store.append("account-1", vec![Deposited(1); 100]).await.unwrap();
    store.backend().take_events_read();

    let seen = Cell::new([0; 2]);
    let attempt = Cell::new(0);
    let inner = store.backend().inner.clone();
    let done = accounts
        .execute("account-1", |account| {
            let mut balances = seen.get();
            balances[attempt.get()] = account.balance;
            seen.set(balances);
            if attempt.replace(1) == 0 {
                // Another writer is faster: between this load and the append.
                let other = EventStore::with_backend(inner.clone());
                let append = other.append("account-1", vec![Deposited(10), Deposited(20)]);
                futures_util::FutureExt::now_or_never(append).expect("memory waits for nothing").unwrap();
            }
            account.withdraw(account.balance)
        })
        .await
        .unwrap();
    assert_eq!(seen.get(), [100, 130]);
    assert_eq!((done.attempts, done.aggregate.balance, done.events), (2, 0, vec![Withdrawn(130)]));
    assert_eq!(done.version, Version::new(103));
    assert_eq!(store.backend().take_events_read(), 100 + 2, "the whole stream once, then the two that came");
}

#[tokio::test]
async fn conflicts_are_given_up_on_after_the_attempts_that_are_allowed() {
    for (attempts, tried) in [(5, 5), (1, 1), (0, 1)] {
        let always = |_| Fate::Fails(conflict("account-1"));
        let accounts = repository(Watched::with_fates(always)).with_max_attempts(attempts);
        let decisions = AtomicUsize::new(0);
        let decide = |_: &Account| {
            decisions.fetch_add(1, Ordering::Relaxed);
            Ok::<_, NotEnough>(vec![Deposited(1)])
        };
        let given_up = soon(accounts.execute("account-1", decide)).await.unwrap_err();
        let ExecuteError::Failed(error @ Error::ConflictsExhausted { attempts, .. }) = given_up else {
            panic!("not given up: {given_up:?}")
        };
        assert_eq!((attempts as usize, decisions.into_inner()), (tried, tried));
        assert_eq!(accounts.store().backend().appends(), tried);
        assert!(error.is_conflict() && error.outcome_is_known());
    }
}

#[tokio::test]
async fn an_unknown_outcome_is_settled_by_appending_the_same_events_again() {
    let lost_twice = |number| match number {
        1 | 2 => Fate::StoredButAnswers(outcome_unknown()),
        _ => Fate::Goes,
    };
    let accounts = repository(Watched::with_fates(lost_twice));
    let done = accounts.execute("account-1", deposit(5)).await.unwrap();
    assert_eq!((done.aggregate.balance, done.version, done.attempts), (5, Version::new(1), 1));
    assert_eq!(accounts.store().get_events("account-1").await.unwrap(), [Deposited(5)]);
    let batches = accounts.store().backend().batches();
    assert!(batches.len() == 3 && batches.iter().all(|batch| batch == &batches[0]), "the same ids each time");
}

#[tokio::test]
async fn an_unknown_outcome_is_settled_even_where_a_decision_is_made_only_once() {
    let lost_once = |number| match number {
        1 => Fate::StoredButAnswers(outcome_unknown()),
        _ => Fate::Goes,
    };
    let accounts = repository(Watched::with_fates(lost_once)).with_max_attempts(1);
    accounts.execute("account-1", deposit(5)).await.unwrap();
    assert_eq!(accounts.store().get_events("account-1").await.unwrap(), [Deposited(5)]);
}

#[tokio::test]
async fn an_append_that_did_not_happen_is_found_out_and_decided_anew() {
    let store =
        EventStore::<AccountEvent, _>::with_backend(Arc::new(Watched::with_fates(|number| match number {
            1 => Fate::Fails(outcome_unknown()),
            _ => Fate::Goes,
        })));
    let accounts = Repository::<Account, _>::new(store.clone());
    let inner = store.backend().inner.clone();
    let attempt = Cell::new(0);
    let done = accounts
        .execute("account-1", |account| {
            if attempt.replace(attempt.get() + 1) == 0 {
                let other = EventStore::with_backend(inner.clone());
                let append = other.append("account-1", vec![Deposited(30)]);
                futures_util::FutureExt::now_or_never(append).expect("memory waits for nothing").unwrap();
            }
            Ok::<_, NotEnough>(vec![Deposited(account.balance + 1)])
        })
        .await
        .unwrap();
    assert_eq!((done.attempts, done.aggregate.balance), (2, 61));
    assert_eq!(store.get_events("account-1").await.unwrap(), [Deposited(30), Deposited(31)]);
}

#[tokio::test]
async fn an_outcome_that_stays_unknown_is_told_as_that() {
    let accounts = repository(Watched::with_fates(|_| Fate::Fails(outcome_unknown()))).with_max_attempts(4);
    let failed = soon(accounts.execute("account-1", deposit(5))).await.unwrap_err();
    let ExecuteError::Failed(error) = failed else { panic!("rejected: {failed:?}") };
    let Error::OutcomeUnknown { batch, .. } = &error else { panic!("{error:?}") };
    assert!(!error.outcome_is_known() && !error.is_retryable(), "the same call would be a new append");
    assert_eq!(batch.event_count(), 1);
}

#[tokio::test]
async fn a_failure_while_settling_does_not_pass_for_an_append_that_stored_nothing() {
    for then in [unavailable as fn() -> StoreError, || StoreError::Closed] {
        let accounts = repository(Watched::with_fates(move |number| match number {
            1 => Fate::StoredButAnswers(outcome_unknown()),
            _ => Fate::Fails(then()),
        }));
        let failed = soon(accounts.execute("account-1", deposit(5))).await.unwrap_err();
        let ExecuteError::Failed(error) = failed else { panic!("rejected: {failed:?}") };
        assert!(!error.outcome_is_known(), "the events are stored, and this says they are not: {error:?}");
    }
}

#[tokio::test]
async fn a_passing_failure_while_settling_is_got_over() {
    let accounts = repository(Watched::with_fates(|number| match number {
        1 => Fate::StoredButAnswers(outcome_unknown()),
        2 => Fate::Fails(unavailable()),
        _ => Fate::Goes,
    }));
    accounts.execute("account-1", deposit(5)).await.unwrap();
    assert_eq!(accounts.store().get_events("account-1").await.unwrap(), [Deposited(5)]);
}

#[tokio::test]
async fn what_keeps_the_store_from_writing_is_handed_back_at_once() {
    let accounts = repository(Watched::with_fates(|_| Fate::Fails(unavailable())));
    let failed = accounts.execute("account-1", deposit(5)).await.unwrap_err();
    let ExecuteError::Failed(error) = failed else { panic!("rejected: {failed:?}") };
    assert!(error.is_retryable() && error.outcome_is_known(), "{error:?}");
    assert_eq!(accounts.store().backend().appends(), 1);
}

#[tokio::test]
async fn a_repository_stands_on_a_backend_chosen_at_run_time() {
    let backend: Arc<dyn EventStoreBackend> = Arc::new(InMemoryBackend::new());
    let accounts = Repository::<Account, _>::new(EventStore::with_backend(Arc::clone(&backend)));
    accounts.execute("account-1", deposit(5)).await.unwrap();
    let stream = StreamId::new("account-1").unwrap();
    assert_eq!(backend.get_events(&stream).await.unwrap().len(), 1);
}

#[tokio::test]
async fn every_append_is_guarded_by_the_version_that_was_loaded() {
    let accounts = repository(Watched::new());
    accounts.execute("account-1", deposit(1)).await.unwrap();
    accounts.execute("account-1", deposit(2)).await.unwrap();
    let guards: Vec<_> =
        accounts.store().backend().batches().iter().map(|batch| batch.appends[0].expected).collect();
    assert_eq!(guards, [0, 1].map(|version| ExpectedVersion::Exact(Version::new(version))));
}

#[tokio::test]
async fn an_answer_leads_a_reader_to_its_own_write() {
    let accounts = Repository::<Account>::new(EventStore::new());
    let done = accounts.execute("account-1", deposit(1)).await.unwrap();
    let head = soon(accounts.store().backend().wait_past(GlobalPosition::START)).await.unwrap();
    assert!(Some(head) >= done.position);
}
