use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use allframe_cqrs::{
    CommandBus, CommandError, EventStore, Execution, InMemoryBackend, KeyRetention, ReadAll, command,
};
use futures_util::{FutureExt, TryStreamExt, future::join_all};
use serde::Serialize;

use crate::bank::{
    Account, AccountEvent::*, Bank, Deposit, Ledger, Open, Refused, Transfer, Withdraw, builder,
};

#[tokio::test]
async fn the_second_dispatch_of_a_key_has_the_result_of_the_first() {
    let bank = Bank::new();
    let first = bank.bus.dispatch_idempotent(Deposit { account: 7, amount: 5 }, "k").await.unwrap();
    bank.deposit(7, 1).await;
    let second = bank.bus.dispatch_idempotent(Deposit { account: 7, amount: 5 }, "k").await.unwrap();
    assert_eq!((first.execution, second.execution), (Execution::First, Execution::Repeated));
    assert_eq!((&second.events, &second.appended), (&first.events, &first.appended));
    assert_eq!(bank.events_of(7).await, [Deposited { amount: 5 }, Deposited { amount: 1 }]);
}

#[tokio::test]
async fn the_result_of_a_decision_over_two_streams_and_of_one_on_an_aggregate_is_remembered_whole() {
    let bank = Bank::new();
    bank.deposit(1, 50).await;
    let transfer = || bank.bus.dispatch_idempotent(Transfer { from: 1, to: 2, amount: 5 }, "t");
    let withdraw = || bank.bus.dispatch_idempotent(Withdraw { account: 1, amount: 5 }, "w");
    let (transferred, withdrawn) = (transfer().await.unwrap(), withdraw().await.unwrap());
    let decisions = bank.ledger.decisions.load(Ordering::Relaxed);
    let (again, withdrawn_again) = (transfer().await.unwrap(), withdraw().await.unwrap());
    assert_eq!((&again.events, &again.appended), (&transferred.events, &transferred.appended));
    assert_eq!(withdrawn_again.appended, withdrawn.appended);
    assert_eq!(bank.ledger.decisions.load(Ordering::Relaxed), decisions, "nothing was decided again");
    assert_eq!(bank.events_of(1).await.len(), 3);
}

#[tokio::test]
async fn a_key_belongs_to_one_command_by_its_type_and_its_content() {
    let bank = Bank::new();
    bank.bus.dispatch_idempotent(Deposit { account: 7, amount: 5 }, "k").await.unwrap();
    let other_content =
        bank.bus.dispatch_idempotent(Deposit { account: 7, amount: 6 }, "k").await.unwrap_err();
    let other_type = bank.bus.dispatch_idempotent(Withdraw { account: 7, amount: 5 }, "k").await.unwrap_err();
    for error in [other_content, other_type] {
        assert!(
            matches!(&error, CommandError::KeyReused { key, first } if key == "k" && first == "Deposit"),
            "{error}"
        );
    }
    assert_eq!(bank.events_of(7).await.len(), 1);
}

#[tokio::test]
async fn a_command_that_was_refused_may_be_tried_again_with_its_key() {
    let bank = Bank::new();
    let withdraw = || bank.bus.dispatch_idempotent(Withdraw { account: 7, amount: 5 }, "w");
    assert_eq!(withdraw().await.unwrap_err().rejection(), Some(&Refused::Overdrawn { missing: 5 }));
    bank.deposit(7, 5).await;
    assert_eq!(withdraw().await.unwrap().execution, Execution::First);
}

#[tokio::test]
async fn a_command_that_had_nothing_to_do_is_remembered_too() {
    #[command(stream = "account-7")]
    struct Nothing;
    let bank = Bank::with(|builder| builder.function(|_: Nothing| async { Vec::new() }));
    assert_eq!(bank.bus.dispatch_idempotent(Nothing, "n").await.unwrap().execution, Execution::First);
    let again = bank.bus.dispatch_idempotent(Nothing, "n").await.unwrap();
    assert_eq!((again.execution, again.position), (Execution::Repeated, None));
}

/// As many processes would: every bus has its own turns, and only the store between them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_any_number_of_dispatches_of_a_key_at_once_on_several_buses_one_is_carried_out() {
    let store = EventStore::new();
    let ledger = Arc::new(Ledger::default());
    let buses: Vec<_> = (0..4).map(|_| builder(&store, &ledger).build().unwrap()).collect();
    store.append("account-1", vec![Deposited { amount: 1_000 }]).await.unwrap();
    for round in 0..20 {
        let dispatch = |number: usize| {
            let (bus, key) = (buses[number % 4].clone(), format!("key-{round}"));
            tokio::spawn(async move {
                match round % 3 {
                    0 => bus.dispatch_idempotent(Deposit { account: 1, amount: 5 }, key).await,
                    1 => bus.dispatch_idempotent(Withdraw { account: 1, amount: 5 }, key).await,
                    _ => {
                        bus.dispatch_idempotent(Open { account: 100 + round, owner: "ann".into() }, key).await
                    }
                }
            })
        };
        let answers: Vec<_> =
            join_all((0..16).map(dispatch)).await.into_iter().map(|done| done.unwrap().unwrap()).collect();
        assert_eq!(
            answers.iter().filter(|done| done.execution == Execution::First).count(),
            1,
            "round {round}"
        );
        assert!(answers.iter().all(|done| done.appended == answers[0].appended), "round {round}");
    }
    assert_eq!(store.get_all_events().await.unwrap().len(), 21);
}

/// Another bus on the store is faster, as another process would be, just before this one decides.
#[tokio::test]
async fn who_was_slower_with_a_key_has_the_first_result_and_no_refusal_that_the_first_has_caused() {
    #[command(stream = "account-{account}")]
    #[derive(Serialize)]
    struct OpenOnce {
        account: u32,
    }
    let decided = |account: &Account| match account.owner {
        None => Ok(vec![Opened { owner: "ann".into() }]),
        Some(_) => Err(Refused::IsOpen),
    };
    let store = EventStore::new();
    let faster = CommandBus::builder(store.clone())
        .decide(move |_: &OpenOnce, account: &Account| decided(account))
        .build()
        .unwrap();
    let slower = |key: &'static str, account: u32| {
        let (faster, interrupts) = (faster.clone(), AtomicBool::new(true));
        CommandBus::builder(store.clone())
            .decide(move |_: &OpenOnce, loaded: &Account| {
                if interrupts.swap(false, Ordering::Relaxed) {
                    let first = faster.dispatch_idempotent(OpenOnce { account }, key);
                    first.now_or_never().unwrap().unwrap();
                }
                decided(loaded)
            })
            .build()
            .unwrap()
    };
    let done = slower("k", 7).dispatch_idempotent(OpenOnce { account: 7 }, "k").await.unwrap();
    assert_eq!(
        (done.execution, &done.events[..]),
        (Execution::Repeated, &[Opened { owner: "ann".into() }][..])
    );

    // The other was faster with another key: it is refused as ever.
    let refused = slower("other", 8).dispatch_idempotent(OpenOnce { account: 8 }, "mine").await.unwrap_err();
    assert_eq!(refused.rejection(), Some(&Refused::IsOpen));

    // The other was faster with another command.
    let reused = slower("both", 9).dispatch_idempotent(OpenOnce { account: 7 }, "both").await.unwrap_err();
    assert!(matches!(reused, CommandError::KeyReused { .. }), "{reused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn within_one_process_the_handler_of_a_key_runs_once() {
    let bank = Bank::new();
    bank.deposit(1, 50).await;
    let transfer = |_| {
        let bus = bank.bus.clone();
        tokio::spawn(
            async move { bus.dispatch_idempotent(Transfer { from: 1, to: 2, amount: 5 }, "t").await },
        )
    };
    for done in join_all((0..32).map(transfer)).await {
        done.unwrap().unwrap();
    }
    assert_eq!(bank.ledger.decisions.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_key_is_remembered_as_long_as_the_policy_says() {
    let backend = Arc::new(InMemoryBackend::new());
    let ledger = Arc::new(Ledger::default());
    let bus = |retention| {
        builder(&EventStore::with_backend(Arc::clone(&backend)), &ledger)
            .with_key_retention(retention)
            .build()
            .unwrap()
    };
    let dispatch = async |retention| {
        bus(retention).dispatch_idempotent(Deposit { account: 7, amount: 5 }, "k").await.unwrap().execution
    };
    assert_eq!(dispatch(KeyRetention::Forever).await, Execution::First);
    assert_eq!(dispatch(KeyRetention::For(Duration::from_secs(3600))).await, Execution::Repeated);
    assert_eq!(dispatch(KeyRetention::For(Duration::ZERO)).await, Execution::First);
    assert_eq!(dispatch(KeyRetention::Forever).await, Execution::Repeated);
}

#[tokio::test]
async fn a_key_that_cannot_name_a_stream_is_refused_and_nothing_is_stored() {
    let bank = Bank::new();
    let error = bank.bus.dispatch_idempotent(Deposit { account: 7, amount: 5 }, "\n").await.unwrap_err();
    assert!(matches!(error, CommandError::Store(_)), "{error}");
    let error = bank.bus.dispatch_idempotent(Deposit { account: 7, amount: 5 }, "").await.unwrap_err();
    assert!(matches!(&error, CommandError::Validation(of) if of[0].field == "idempotency_key"), "{error}");
    assert_eq!(bank.store.stats().await.unwrap().total_events, 0);
}

#[tokio::test]
async fn the_record_of_a_key_is_no_event_that_readers_of_the_store_see() {
    let bank = Bank::new();
    bank.bus.dispatch_idempotent(Deposit { account: 7, amount: 5 }, "k").await.unwrap();
    let seen: Vec<_> = bank.store.read_all(ReadAll::forward()).try_collect().await.unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!(bank.store.stats().await.unwrap().total_events, 2, "it is there all the same");
}

#[tokio::test]
async fn an_event_s_own_conflict_is_not_taken_for_that_of_the_key() {
    use allframe_cqrs::{Decision, ExpectedVersion};
    #[command(stream = "account-7")]
    struct New;
    let bus = CommandBus::builder(EventStore::new())
        .function(|_: New| async {
            Decision::expecting(ExpectedVersion::NoStream, vec![Deposited { amount: 1 }])
        })
        .build()
        .unwrap();
    bus.dispatch_idempotent(New, "a").await.unwrap();
    assert_eq!(bus.dispatch_idempotent(New, "b").await.unwrap_err().outcome(), "conflict");
    assert_eq!(bus.dispatch_idempotent(New, "a").await.unwrap().execution, Execution::Repeated);
}
