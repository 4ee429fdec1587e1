use allframe_cqrs::{CommandError, command};
use serde::Serialize;

use crate::bank::{AccountEvent::Opened, Bank};

/// What an account needs is said where its command is.
#[command(stream = "account-{account}")]
#[derive(Clone, Serialize)]
struct OpenChecked {
    #[validate(range(min = 1))]
    account: u32,
    #[validate(length(min = 2, max = 40), custom(no_digits))]
    owner: String,
    note: Option<String>,
    #[validate(dive)]
    home: Home,
}

#[derive(Clone, Serialize, garde::Validate)]
struct Home {
    #[garde(length(min = 1))]
    street: String,
}

fn no_digits(owner: &str, _context: &()) -> garde::Result {
    match owner.chars().any(|sign| sign.is_ascii_digit()) {
        true => Err(garde::Error::new("has digits")),
        false => Ok(()),
    }
}

fn bank() -> Bank {
    Bank::with(|builder| {
        builder.function(|command: OpenChecked| async move { vec![Opened { owner: command.owner }] })
    })
}

#[tokio::test]
async fn every_field_that_fails_is_listed_with_its_path_a_message_and_a_code() {
    let bank = bank();
    let home = Home { street: String::new() };
    let wrong = OpenChecked { account: 0, owner: "7".into(), note: None, home };
    let CommandError::Validation(errors) = bank.bus.dispatch(wrong).await.unwrap_err() else {
        panic!("not refused")
    };
    let mut found: Vec<_> = errors.iter().map(|e| (&*e.field, &*e.code, &*e.message)).collect();
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("account", "minimum", "lower than 1"),
            ("home.street", "minLength", "length is lower than 1"),
            ("owner", "minLength", "length is lower than 2"),
            ("owner", "validation_failed", "has digits"),
        ]
    );
    assert_eq!(bank.store.stats().await.unwrap().total_events, 0);
}

#[tokio::test]
async fn a_command_that_is_right_goes_on() {
    let bank = bank();
    let home = Home { street: "High Street".into() };
    let right = OpenChecked { account: 1, owner: "ann".into(), note: Some("hello".into()), home };
    assert!(right.note.is_some());
    bank.bus.dispatch(right).await.unwrap();
    assert_eq!(bank.events_of(1).await, [Opened { owner: "ann".into() }]);
}
