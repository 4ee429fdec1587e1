use allframe_cqrs::{BuildProblem, CommandBus, EventStore, command};

use crate::bank::{Account, AccountEvent, AccountEvent::Deposited, Withdraw};

#[command(stream = "one")]
struct One;

async fn deposit() -> Vec<AccountEvent> {
    vec![Deposited { amount: 1 }]
}

#[test]
fn a_second_handler_of_a_command_is_named_with_the_first() {
    let error = CommandBus::builder(EventStore::new())
        .function(|_: One| deposit())
        .function(|_: One| deposit())
        .build()
        .unwrap_err();
    assert!(matches!(error.problems[..], [BuildProblem::DuplicateHandler { handled: "One", .. }]), "{error}");
}

#[test]
fn two_commands_of_one_name_are_told_apart_by_no_one() {
    mod other {
        #[allframe_cqrs::command(stream = "one")]
        pub(super) struct One;
    }
    let error = CommandBus::builder(EventStore::new())
        .function(|_: One| deposit())
        .function(|_: other::One| deposit())
        .build()
        .unwrap_err();
    assert!(matches!(error.problems[..], [BuildProblem::SameName { name: "One", .. }]), "{error}");
}

#[test]
fn a_bus_says_what_it_takes() {
    let bus = CommandBus::builder(EventStore::new()).function(|_: One| deposit()).build().unwrap();
    assert_eq!(bus.commands(), ["One"]);
}

/// Of a handler that cannot be made, too.
#[test]
fn what_is_missing_and_what_is_double_are_named_together() {
    #[derive(Clone)]
    struct Never;
    let bank = CommandBus::builder(EventStore::<AccountEvent>::new())
        .discover()
        .decide(|_: &Withdraw, _: &Account| Vec::<AccountEvent>::new());
    let error = bank.provide(Never).build().unwrap_err();
    let missing = |it: &&BuildProblem| matches!(it, BuildProblem::MissingDependency { .. });
    assert_eq!(error.problems.iter().filter(missing).count(), 2, "{error}");
    let double = BuildProblem::DuplicateHandler {
        handled: "Withdraw",
        first: "command_bus::bank::withdraw",
        second: match error.problems.last() {
            Some(BuildProblem::DuplicateHandler { second, .. }) => second,
            other => panic!("{other:?}"),
        },
    };
    assert!(error.problems.contains(&double), "{error}");
}
