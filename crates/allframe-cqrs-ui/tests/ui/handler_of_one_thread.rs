use allframe_cqrs::{command, command_handler, event, query, query_handler};
use std::rc::Rc;

#[event]
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Opened;

#[command(stream = "account-1")]
struct Open;

#[query]
struct Balance;

async fn elsewhere() {}

#[command_handler]
async fn holds_it_while_it_waits(_command: Open) -> Vec<Opened> {
    let count = Rc::new(7);
    elsewhere().await;
    drop(count);
    vec![]
}

#[query_handler]
async fn asked(_query: Balance) -> u64 {
    let count = Rc::new(7);
    elsewhere().await;
    *count
}

#[query_handler]
async fn answers_it(_query: Balance) -> Rc<u64> {
    Rc::new(7)
}

#[query_handler]
async fn answers_it_in_a_result(_query: Balance) -> Result<Rc<u64>, String> {
    Ok(Rc::new(7))
}

fn main() {}
