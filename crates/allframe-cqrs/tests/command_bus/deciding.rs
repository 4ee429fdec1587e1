use std::{
    num::{NonZeroU32, NonZeroUsize},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use allframe_cqrs::{Backoff, CommandBus, CommandBusBuilder, CommandError, Error, EventStore, command};
use eventstore_wal::WalBackend;
use futures_util::future::join_all;

use crate::{
    bank::{Account, AccountEvent, AccountEvent::*, Bank, Open, Refused, Withdraw},
    support::Watched,
};

#[tokio::test]
async fn a_decision_is_made_on_the_aggregate_as_it_is() {
    let bank = Bank::new();
    bank.bus.dispatch(Open { account: 7, owner: "ann".into() }).await.unwrap();
    bank.deposit(7, 40).await;
    bank.bus.dispatch(Withdraw { account: 7, amount: 30 }).await.unwrap();
    let refused = bank.bus.dispatch(Withdraw { account: 7, amount: 30 }).await.unwrap_err();
    assert_eq!(refused.rejection::<Refused>(), Some(&Refused::Overdrawn { missing: 20 }));
    let again = bank.bus.dispatch(Open { account: 7, owner: "bob".into() }).await.unwrap_err();
    assert_eq!(again.rejection::<Refused>(), Some(&Refused::IsOpen));
}

/// 64 withdraw 1 at the same time from an account with 40: 40 succeed, whoever comes when.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn decisions_on_one_aggregate_are_made_one_after_the_other_however_many_there_are() {
    let bank = Bank::new();
    bank.deposit(7, 40).await;
    let withdraw = |_| {
        let bus = bank.bus.clone();
        tokio::spawn(async move { bus.dispatch(Withdraw { account: 7, amount: 1 }).await })
    };
    let answers = join_all((0..64).map(withdraw)).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    let refused: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert!(
        refused.iter().all(|why| why.rejection() == Some(&Refused::Overdrawn { missing: 1 })),
        "{refused:?}"
    );
    assert_eq!(refused.len(), 24);
    assert_eq!(bank.events_of(7).await.len(), 41);
    let attempts: u32 = answers.iter().flatten().map(|done| done.attempts).sum();
    assert!(bank.ledger.decisions.load(Ordering::Relaxed) >= attempts + 24);
}

/// On a disk, an append takes so long that whoever decides meanwhile does so in vain: in one process they take turns.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_decisions_on_one_stream_of_a_durable_store_none_is_given_up() {
    #[command(stream = "account-7")]
    struct Add;
    let directory = tempfile::tempdir().unwrap();
    let store = EventStore::with_backend(WalBackend::production(directory.path()).unwrap());
    let bus = CommandBus::builder(store.clone())
        .decide(|_: &Add, _: &Account| vec![Deposited { amount: 1 }])
        .build()
        .unwrap();
    let add = |task| {
        let bus = bus.clone();
        tokio::spawn(async move {
            for number in 0..10 {
                bus.dispatch_idempotent(Add, format!("{task}-{number}")).await.unwrap();
            }
        })
    };
    for task in join_all((0..64).map(add)).await {
        task.unwrap();
    }
    assert_eq!(store.get_events("account-7").await.unwrap().len(), 640);
}

#[tokio::test]
async fn a_decision_for_which_others_are_always_faster_is_given_up_after_so_many_attempts() {
    #[command(stream = "account-7")]
    struct Race;
    let store = EventStore::new();
    let (attempts, others) = (Arc::new(AtomicU32::new(0)), store.clone());
    let counted = Arc::clone(&attempts);
    let bus = CommandBus::builder(store)
        .decide(move |_: &Race, _: &Account| {
            counted.fetch_add(1, Ordering::Relaxed);
            // Another writer, between this decision and its append. The store in memory answers at once.
            let append = others.append("account-7", vec![Deposited { amount: 1 }]);
            futures_util::FutureExt::now_or_never(append).unwrap().unwrap();
            vec![Withdrawn { amount: 1 }]
        })
        .with_max_attempts(NonZeroU32::new(3).unwrap())
        .with_backoff(Backoff::none())
        .build()
        .unwrap();
    let error = bus.dispatch(Race).await.unwrap_err();
    assert!(matches!(error, CommandError::Store(Error::ConflictsExhausted { attempts: 3, .. })), "{error}");
    assert_eq!(attempts.load(Ordering::Relaxed), 3);
}

/// The wait before the third attempt, on a clock that stands still unless somebody waits.
#[tokio::test(start_paused = true)]
async fn between_attempts_there_is_the_wait_that_was_asked_for_but_not_before_the_second() {
    #[command(stream = "account-7")]
    struct Race;
    let store = EventStore::new();
    let (others, waits) = (store.clone(), Arc::new(std::sync::Mutex::new(Vec::new())));
    let (begun, noted) = (tokio::time::Instant::now(), Arc::clone(&waits));
    let wait = std::time::Duration::from_secs(8);
    let bus = CommandBus::builder(store)
        .decide(move |_: &Race, _: &Account| {
            noted.lock().unwrap().push(begun.elapsed().as_secs());
            let append = others.append("account-7", vec![Deposited { amount: 1 }]);
            futures_util::FutureExt::now_or_never(append).unwrap().unwrap();
            vec![Withdrawn { amount: 1 }]
        })
        .with_max_attempts(NonZeroU32::new(4).unwrap())
        .with_backoff(Backoff::new(wait, wait * 2))
        .build()
        .unwrap();
    bus.dispatch(Race).await.unwrap_err();
    assert_eq!(*waits.lock().unwrap(), [0, 0, 8, 24]);
}

#[command(stream = "account-7")]
struct Look;

/// How many events are read for a decision on a stream of 20, the second time.
async fn read_again(
    change: impl FnOnce(CommandBusBuilder<AccountEvent>) -> CommandBusBuilder<AccountEvent>,
) -> usize {
    let backend = Arc::new(Watched::new());
    let store = EventStore::with_backend(Arc::clone(&backend));
    store.append("account-7", vec![Deposited { amount: 1 }; 20]).await.unwrap();
    let builder = CommandBus::builder(store).decide(|_: &Look, account: &Account| {
        assert_eq!(account.balance, 20);
        Vec::new()
    });
    let bus = change(builder).build().unwrap();
    let nothing_to_do = bus.dispatch(Look).await.unwrap();
    assert!(nothing_to_do.events.is_empty() && nothing_to_do.position.is_none());
    backend.take_events_read();
    bus.dispatch(Look).await.unwrap();
    backend.take_events_read()
}

#[tokio::test]
async fn a_repository_may_be_given_a_cache_and_then_only_new_events_are_read() {
    let cached = NonZeroUsize::new(8).unwrap();
    assert_eq!(read_again(|builder| builder).await, 20);
    assert_eq!(read_again(|builder| builder.repository::<Account>(move |it| it.with_cache(cached))).await, 0);
}
