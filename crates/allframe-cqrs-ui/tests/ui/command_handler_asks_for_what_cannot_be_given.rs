use allframe_cqrs::{command, command_handler, event, query, query_handler};
use std::rc::Rc;

#[event]
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Opened;

#[command(stream = "account-1")]
struct Open;

#[query]
struct Balance;

trait Clock: Send + Sync {}

#[command_handler]
async fn a_trait_object(_command: Open, _clock: &dyn Clock) -> Vec<Opened> {
    vec![]
}

#[command_handler]
async fn a_trait_object_and_more(_command: Open, _clock: &(dyn Clock + 'static)) -> Vec<Opened> {
    vec![]
}

#[command_handler]
async fn a_text(_command: Open, _tenant: &str) -> Vec<Opened> {
    vec![]
}

#[query_handler]
async fn a_slice(_query: Balance, _prices: &[u64]) -> u64 {
    7
}

#[command_handler]
async fn of_one_thread(_command: Open, _clock: Rc<u64>) -> Vec<Opened> {
    vec![]
}

#[query_handler]
async fn asked_of_one_thread(_query: Balance, _clock: &Rc<u64>) -> u64 {
    7
}

#[command_handler]
async fn a_lifetime<'a>(_command: Open, _clock: &'a u64) -> Vec<Opened> {
    vec![]
}

fn main() {}
