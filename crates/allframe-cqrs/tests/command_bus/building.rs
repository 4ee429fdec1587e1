use allframe_cqrs::{BuildProblem, CommandBus, EventStore, command};

use crate::bank::{AccountEvent, AccountEvent::Deposited};

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
