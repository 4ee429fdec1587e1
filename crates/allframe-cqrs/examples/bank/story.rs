//! What happens at the bank one morning, whoever wrote it.

use std::fmt::Write;

use allframe_cqrs::{Aggregate, CommandError, EventStore};
use serde_json::{Value, json};

use crate::domain::{Account, AccountEvent};

/// Why a story ends early; none of the bank's refusals does.
pub(crate) type StoryError = Box<dyn std::error::Error + Send + Sync>;

/// A bank that takes commands as they come from outside.
pub(crate) trait TakesCommands {
    /// Carries a command out, once for its key, and answers with the events that it caused.
    async fn take(&self, name: &str, fields: Value, key: &str) -> Result<Vec<AccountEvent>, CommandError>;

    fn store(&self) -> &EventStore<AccountEvent>;
}

/// Everything that is asked for: a key, the name of a command, its fields.
fn requests() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("1", "OpenAccount", json!({ "account": 7, "owner": "ann" })),
        ("2", "OpenAccount", json!({ "account": 8, "owner": "bob" })),
        ("3", "OpenAccount", json!({ "account": 8, "owner": "bert" })),
        ("4", "OpenAccount", json!({ "account": 0, "owner": "c" })),
        ("5", "Deposit", json!({ "account": 7, "amount": 60_000 })),
        // The answer was lost, and whoever asked asks again.
        ("5", "Deposit", json!({ "account": 7, "amount": 60_000 })),
        ("6", "Deposit", json!({ "account": 9, "amount": 100 })),
        ("7", "Deposit", json!({ "account": 7, "amount": 1_000_001 })),
        ("8", "Withdraw", json!({ "account": 7, "amount": 50_001 })),
        ("9", "Withdraw", json!({ "account": 7, "amount": 10_000 })),
        ("10", "Withdraw", json!({ "account": 8, "amount": 1 })),
        ("11", "Transfer", json!({ "from": 7, "to": 8, "amount": 50_000 })),
        ("11", "Transfer", json!({ "from": 7, "to": 8, "amount": 50_000 })),
        ("12", "Transfer", json!({ "from": 7, "to": 8, "amount": 1 })),
        ("13", "Transfer", json!({ "from": 8, "to": 8, "amount": 1 })),
        ("14", "Transfer", json!({ "from": 0, "to": 0, "amount": 0 })),
        ("15", "CloseAccount", json!({ "account": 8 })),
        ("16", "CloseAccount", json!({ "account": 7 })),
        ("17", "CloseAccount", json!({ "account": 0 })),
        ("18", "Deposit", json!({ "account": 7, "amount": 5 })),
        ("19", "RobBank", json!({})),
    ]
}

/// Asks for everything, and writes down what came of it and what is left.
pub(crate) async fn tell(bank: &impl TakesCommands) -> Result<String, StoryError> {
    let mut story = String::new();
    for (key, name, fields) in requests() {
        let asked = format!("{key:>2} {name} {fields}");
        let answer = match bank.take(name, fields, key).await {
            Ok(events) => format!("{events:?}"),
            Err(CommandError::Validation(errors)) => {
                let mut wrong: Vec<_> =
                    errors.iter().map(|error| format!("{} ({})", error.field, error.code)).collect();
                wrong.sort();
                format!("invalid: {}", wrong.join(", "))
            }
            Err(error) => format!("refused: {error}"),
        };
        writeln!(story, "{asked}\n   {answer}")?;
    }
    for account in [7, 8, 9] {
        let events = bank.store().get_events(format!("account-{account}")).await?;
        let mut state = Account::default();
        events.iter().for_each(|event| state.apply_event(event));
        writeln!(story, "account-{account}: {} in it, after {} events", state.balance, events.len())?;
    }
    Ok(story)
}
