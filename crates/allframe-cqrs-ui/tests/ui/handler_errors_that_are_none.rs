use allframe_cqrs::{Aggregate, Decision, command, command_handler, event, query, query_handler};

#[event]
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Opened;

#[command(stream = "account-1")]
struct Open;

#[query]
struct Balance;

#[derive(Default)]
struct Account;

impl Aggregate for Account {
    type Event = Opened;
    fn apply_event(&mut self, _event: &Opened) {}
}

#[command_handler]
async fn awaited(_command: Open) -> Result<Vec<Opened>, u64> {
    Err(7)
}

#[command_handler]
async fn with_a_decision(_command: Open) -> Result<Decision<Opened>, u64> {
    Err(7)
}

#[command_handler(events = Opened)]
async fn with_nothing(_command: Open) -> Result<(), u64> {
    Err(7)
}

#[command_handler]
fn decided(_command: &Open, _account: &Account) -> Result<Vec<Opened>, u64> {
    Err(7)
}

#[query_handler]
async fn asked(_query: Balance) -> Result<u64, u8> {
    Err(7)
}

fn main() {}
