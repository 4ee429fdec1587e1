use allframe_cqrs::{Aggregate, Decision, command, command_handler, event};
use std::sync::Arc;

#[event]
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Opened;

#[command(stream = "account-1")]
struct Open;

#[event]
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Closed;

#[derive(Default)]
struct Account;

impl Aggregate for Account {
    type Event = Opened;
    fn apply_event(&mut self, _event: &Opened) {}
}

struct Clock;

#[command_handler]
fn a_number(_command: &Open, _account: &Account) -> u64 {
    7
}

#[command_handler]
fn nothing(_command: &Open, _account: &Account) {}

#[command_handler]
fn a_decision(_command: &Open, _account: &Account) -> Decision<Opened> {
    Decision::none()
}

#[command_handler]
fn one_event(_command: &Open, _account: &Account) -> Opened {
    Opened
}

#[command_handler]
fn perhaps_an_event(_command: &Open, _account: &Account) -> Option<Opened> {
    None
}

#[command_handler]
fn events_of_another(_command: &Open, _account: &Account) -> Vec<Closed> {
    vec![]
}

#[command_handler]
fn result_of_another(_command: &Open, _account: &Account) -> Result<Vec<Closed>, String> {
    Ok(vec![])
}

#[command_handler]
fn changing(_command: &Open, _account: &mut Account) -> Vec<Opened> {
    vec![]
}

#[command_handler]
fn changing_the_command(_command: &mut Open, _account: &Account) -> Vec<Opened> {
    vec![]
}

#[command_handler]
fn not_second(_command: &Open, _clock: Arc<Clock>, _account: &Account) -> Vec<Opened> {
    vec![]
}

#[command_handler]
fn the_other_way_round(_account: &Account, _command: &Open) -> Vec<Opened> {
    vec![]
}

#[command_handler]
async fn awaited(_command: &Open, _account: &Account) -> Vec<Opened> {
    vec![]
}

fn main() {}
