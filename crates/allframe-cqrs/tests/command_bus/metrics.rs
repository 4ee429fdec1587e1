//! What is counted and measured of dispatches, under which names.

use std::time::Duration;

use allframe_cqrs::{Backoff, QueryBus, command, query};
use futures_util::FutureExt;

use crate::{
    bank::{Account, AccountEvent, AccountEvent::Deposited, Bank, Deposit, Withdraw},
    support::recorder::{pairs, recorded},
};

#[test]
fn every_command_is_counted_by_its_name_and_what_became_of_it_and_its_time_is_measured() {
    #[command(stream = "account-9")]
    struct Hang;
    let told = recorded(async {
        let bank =
            Bank::with(|builder| builder.function(|_: Hang| std::future::pending::<Vec<AccountEvent>>()));
        bank.deposit(7, 5).await;
        bank.deposit(7, 5).await;
        for _ in 0..2 {
            bank.bus.dispatch_idempotent(Deposit { account: 7, amount: 5 }, "k").await.unwrap();
        }
        bank.bus.dispatch(Withdraw { account: 7, amount: 600 }).await.unwrap_err();
        assert!(bank.bus.dispatch(Hang).now_or_never().is_none());
    });
    assert_eq!(
        told.counted(),
        pairs(&[
            ("allframe_commands_total{command=Deposit,outcome=ok}", 3),
            ("allframe_commands_total{command=Deposit,outcome=repeated}", 1),
            ("allframe_commands_total{command=Hang,outcome=dropped}", 1),
            ("allframe_commands_total{command=Withdraw,outcome=rejected}", 1),
        ])
    );
    assert_eq!(
        told.measured(),
        pairs(&[
            ("allframe_command_duration_seconds{command=Deposit}", 4),
            ("allframe_command_duration_seconds{command=Hang}", 1),
            ("allframe_command_duration_seconds{command=Withdraw}", 1),
        ])
    );
    let seconds = told.histograms.lock().unwrap();
    assert!(seconds.values().flatten().all(|took| (0.0..60.0).contains(took)), "{seconds:?}");
}

/// Seconds, and neither milliseconds nor a count of anything else.
#[test]
fn a_duration_is_told_in_seconds() {
    #[command(stream = "account-9")]
    struct Slow;
    let told = recorded(async {
        let bank = Bank::with(|builder| {
            builder.function(|_: Slow| async {
                let begun = std::time::Instant::now();
                while begun.elapsed() < Duration::from_millis(20) {
                    tokio::task::yield_now().await;
                }
                vec![Deposited { amount: 1 }]
            })
        });
        bank.bus.dispatch(Slow).await.unwrap();
    });
    let seconds = told.histograms.lock().unwrap();
    let took = seconds["allframe_command_duration_seconds{command=Slow}"][0];
    assert!((0.02..10.0).contains(&took), "{took}");
}

/// Others are faster at every attempt: by an append of theirs between the decision and its own.
#[test]
fn every_decision_that_was_made_again_is_counted_also_where_it_was_given_up() {
    #[command(stream = "account-7")]
    struct Contended {
        others: u32,
    }
    let told = recorded(async {
        let store = allframe_cqrs::EventStore::new();
        let theirs = store.clone();
        let made = std::sync::atomic::AtomicU32::new(0);
        let bus = allframe_cqrs::CommandBus::builder(store)
            .with_max_attempts(std::num::NonZeroU32::new(4).unwrap())
            .with_backoff(Backoff::none())
            .decide(move |command: &Contended, _: &Account| {
                if made.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < command.others {
                    let append = theirs.append("account-7", vec![Deposited { amount: 1 }]);
                    append.now_or_never().unwrap().unwrap();
                }
                vec![Deposited { amount: 1 }]
            })
            .build()
            .unwrap();
        assert_eq!(bus.dispatch(Contended { others: 2 }).await.unwrap().attempts, 3);
        assert_eq!(bus.dispatch(Contended { others: u32::MAX }).await.unwrap_err().outcome(), "conflict");
    });
    assert_eq!(
        told.counted(),
        pairs(&[
            ("allframe_command_retries_total{command=Contended}", 5),
            ("allframe_commands_total{command=Contended,outcome=conflict}", 1),
            ("allframe_commands_total{command=Contended,outcome=ok}", 1),
        ])
    );
}

/// A name that came from outside is no label: anybody could make any number of them.
#[test]
fn what_no_handler_takes_is_counted_too_and_a_name_that_nobody_knows_as_unknown() {
    #[command]
    struct Nobody;
    let told = recorded(async {
        let bank = Bank::new();
        bank.bus.dispatch(Nobody).await.unwrap_err();
        #[cfg(feature = "json-commands")]
        bank.bus.dispatch_json("Anything", serde_json::Value::Null).await.unwrap_err();
    });
    let mut expected = pairs(&[("allframe_commands_total{command=Nobody,outcome=unhandled}", 1)]);
    if cfg!(feature = "json-commands") {
        expected.extend(pairs(&[("allframe_commands_total{command=unknown,outcome=unhandled}", 1)]));
    }
    assert_eq!(told.counted(), expected);
}

#[test]
fn the_cache_of_a_repository_tells_how_well_it_serves() {
    #[command(stream = "account-7")]
    struct Look;
    let told = recorded(async {
        let bus = allframe_cqrs::CommandBus::builder(allframe_cqrs::EventStore::new())
            .repository::<Account>(|it| it.with_cache(std::num::NonZeroUsize::new(8).unwrap()))
            .decide(|_: &Look, account: &Account| match account.balance {
                0 => vec![Deposited { amount: 1 }],
                _ => vec![],
            })
            .build()
            .unwrap();
        for _ in 0..3 {
            bus.dispatch(Look).await.unwrap();
        }
    });
    let caches: Vec<_> =
        told.counted().into_iter().filter(|(name, _)| name.starts_with("allframe_state_cache")).collect();
    let expected = pairs(&[
        ("allframe_state_cache_total{state=Account,outcome=hit}", 2),
        ("allframe_state_cache_total{state=Account,outcome=miss}", 1),
    ]);
    assert_eq!(caches, expected);
}

#[test]
fn queries_have_names_of_their_own() {
    #[query]
    struct Half {
        of: u32,
    }
    let told = recorded(async {
        let bus = QueryBus::builder()
            .function(|query: Half| async move {
                if query.of.is_multiple_of(2) { Ok(query.of / 2) } else { Err("it is odd") }
            })
            .build()
            .unwrap();
        assert_eq!(bus.dispatch::<_, u32>(Half { of: 4 }).await.unwrap(), 2);
        bus.dispatch::<_, u32>(Half { of: 5 }).await.unwrap_err();
    });
    assert_eq!(
        told.counted(),
        pairs(&[
            ("allframe_queries_total{query=Half,outcome=failed}", 1),
            ("allframe_queries_total{query=Half,outcome=ok}", 1),
        ])
    );
    assert_eq!(told.measured(), pairs(&[("allframe_query_duration_seconds{query=Half}", 2)]));
}
