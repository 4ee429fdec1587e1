use allframe_cqrs::{
    CommandBus, CommandError, Decision, EventStore, Execution, ExpectedVersion, StoreError, command,
};

use crate::bank::{AccountEvent, AccountEvent::*, Bank, Deposit, Refused, Transfer, Withdraw};

#[tokio::test]
async fn the_events_of_a_handler_are_stored_in_the_stream_of_its_command() {
    let bank = Bank::new();
    let done = bank.bus.dispatch(Deposit { account: 7, amount: 42 }).await.unwrap();
    assert_eq!(done.events, [Deposited { amount: 42 }]);
    assert_eq!(done.appended[0].stream.as_str(), "account-7");
    assert_eq!(done.position, Some(done.appended[0].last_position));
    assert_eq!(done.execution, Execution::First);
    assert_eq!(bank.events_of(7).await, [Deposited { amount: 42 }]);
}

#[tokio::test]
async fn a_decision_over_two_streams_is_stored_whole_or_not_at_all() {
    let bank = Bank::new();
    bank.deposit(1, 50).await;
    let done = bank.bus.dispatch(Transfer { from: 1, to: 2, amount: 20 }).await.unwrap();
    assert_eq!(
        done.appended.iter().map(|one| one.stream.as_str()).collect::<Vec<_>>(),
        ["account-1", "account-2"]
    );
    let refused = bank.bus.dispatch(Transfer { from: 1, to: 2, amount: 31 }).await.unwrap_err();
    assert_eq!(refused.rejection::<Refused>(), Some(&Refused::Overdrawn { missing: 1 }));
    assert_eq!(bank.events_of(2).await, [Deposited { amount: 20 }]);
}

#[tokio::test]
async fn a_handler_s_own_error_comes_back_as_what_it_is() {
    let bank = Bank::new();
    let refused = bank.bus.dispatch(Withdraw { account: 7, amount: 5 }).await.unwrap_err();
    assert_eq!(refused.rejection::<Refused>(), Some(&Refused::Overdrawn { missing: 5 }));
    assert_eq!(refused.to_string(), "5 is missing");
    assert_eq!(bank.store.stats().await.unwrap().total_events, 0);
}

#[tokio::test]
async fn a_command_without_a_handler_is_named() {
    #[command(name = "close-account")]
    struct Close;
    let error = Bank::new().bus.dispatch(Close).await.unwrap_err();
    assert!(matches!(&error, CommandError::NotFound(name) if name == "close-account"), "{error}");
}

#[tokio::test]
async fn a_handler_that_panics_is_an_error_and_the_bus_goes_on() {
    #[command]
    struct Fall;
    async fn fall() -> Vec<AccountEvent> {
        panic!("over the edge")
    }
    let bank = Bank::with(|builder| builder.function(|_: Fall| fall()));
    let error = bank.bus.dispatch(Fall).await.unwrap_err();
    let CommandError::Panicked { command: "Fall", source } = error else { panic!("{error}") };
    assert_eq!(source.message, "over the edge");
    bank.deposit(7, 1).await;
}

#[tokio::test]
async fn events_that_nobody_says_a_stream_for_are_refused_and_not_lost_in_silence() {
    #[command]
    struct Drift;
    let bank = Bank::with(|builder| builder.function(|_: Drift| async { vec![Deposited { amount: 1 }] }));
    let error = bank.bus.dispatch(Drift).await.unwrap_err();
    assert!(matches!(error, CommandError::NoStream { command: "Drift" }), "{error}");
    assert_eq!(bank.store.stats().await.unwrap().total_events, 0);
}

#[tokio::test]
async fn a_decision_holds_only_for_what_it_was_made_on() {
    #[command(stream = "account-1")]
    struct Late;
    let bank = Bank::with(|builder| {
        builder.function(|_: Late| async {
            Decision::expecting(ExpectedVersion::NoStream, vec![Deposited { amount: 1 }])
        })
    });
    bank.deposit(1, 1).await;
    let error = bank.bus.dispatch(Late).await.unwrap_err();
    let CommandError::Store(allframe_cqrs::Error::Store(StoreError::WrongExpectedVersion { stream, .. })) =
        &error
    else {
        panic!("{error}")
    };
    assert_eq!((stream.as_str(), error.outcome()), ("account-1", "conflict"));
}

#[tokio::test]
async fn a_guard_of_a_stream_that_nothing_is_stored_in_counts() {
    #[command(stream = "account-2")]
    struct IfOneIsEmpty;
    let bank = Bank::with(|builder| {
        builder.function(|_: IfOneIsEmpty| async {
            Decision::from(vec![Deposited { amount: 1 }]).guard("account-1", ExpectedVersion::NoStream)
        })
    });
    bank.bus.dispatch(IfOneIsEmpty).await.unwrap();
    bank.deposit(1, 1).await;
    assert_eq!(bank.bus.dispatch(IfOneIsEmpty).await.unwrap_err().outcome(), "conflict");
    assert_eq!(bank.events_of(2).await.len(), 1);
}

#[tokio::test]
async fn a_stream_name_that_is_none_is_the_store_s_error() {
    #[command(stream = "{name}")]
    struct Odd {
        name: String,
    }
    let bus = CommandBus::builder(EventStore::new())
        .function(|_: Odd| async { vec![Deposited { amount: 1 }] })
        .build()
        .unwrap();
    let error = bus.dispatch(Odd { name: String::new() }).await.unwrap_err();
    assert_eq!(error.to_string(), "the stream id is empty");
}

#[tokio::test]
async fn handlers_stay_functions_that_can_be_called() {
    use crate::bank::{Account, Ledger, withdraw};
    let account = Account { balance: 3, ..Account::default() };
    let refused = withdraw(Withdraw { account: 7, amount: 5 }, &account, Ledger::default().into());
    assert_eq!(refused, Err(Refused::Overdrawn { missing: 2 }));
}

#[tokio::test]
async fn a_decision_to_store_nothing_holds_whatever_it_guards() {
    #[command]
    struct Look;
    let bus = CommandBus::builder(EventStore::new())
        .function(|_: Look| async {
            Decision::<AccountEvent>::none().guard("frozen", ExpectedVersion::NoStream)
        })
        .build()
        .unwrap();
    assert_eq!(bus.dispatch(Look).await.unwrap().position, None);
}
