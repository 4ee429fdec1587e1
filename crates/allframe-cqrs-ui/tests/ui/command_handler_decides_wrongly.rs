use allframe_cqrs::{Aggregate, command, command_handler, event};

#[event]
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Opened;

#[derive(Default)]
struct Account;

impl Aggregate for Account {
    type Event = Opened;
    fn apply_event(&mut self, _event: &Opened) {}
}

struct NoAggregate;

#[command(stream = "account-1")]
struct Open;

#[command]
struct Nowhere;

#[command_handler]
fn on_no_aggregate(_command: &Open, _other: &NoAggregate) -> Vec<Opened> {
    vec![]
}

#[command_handler]
fn of_no_stream(_command: &Nowhere, _account: &Account) -> Vec<Opened> {
    vec![]
}

#[command_handler]
fn taken_again_without_a_copy(_command: Open, _account: &Account) -> Vec<Opened> {
    vec![]
}

fn main() {}
