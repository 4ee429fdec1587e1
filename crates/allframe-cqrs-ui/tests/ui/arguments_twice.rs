use allframe_cqrs::{Row, command, command_handler, event, handlers, projection, query, query_handler};
use serde::{Deserialize, Serialize};

#[event(crate = allframe_cqrs, crate = allframe_cqrs)]
#[derive(Clone, Serialize, Deserialize)]
struct Opened;

#[event(prefix = "a.", prefix = "b.")]
#[derive(Clone, Serialize, Deserialize)]
enum Prefixed {
    Opened,
}

#[event(upcasters = one, upcasters = two)]
#[derive(Clone, Serialize, Deserialize)]
struct Upcast;

#[event]
#[event(rename = "Other")]
#[derive(Clone, Serialize, Deserialize)]
struct Twice;

#[command(crate = allframe_cqrs, crate = allframe_cqrs)]
struct Open;

#[command(json, json)]
struct InJson;

#[command(name = "a")]
#[command(stream = "b")]
struct InTwo;

#[query]
#[query]
struct Balance;

#[query(crate = allframe_cqrs, crate = allframe_cqrs)]
struct Balances;

#[command_handler(crate = allframe_cqrs, crate = allframe_cqrs)]
async fn open(_command: Open) -> Vec<Opened> {
    vec![]
}

#[command_handler(events = Opened, events = Opened)]
async fn open_by_itself(_command: Open) {}

#[command_handler]
#[command_handler(events = Opened)]
async fn open_twice(_command: Open) {}

#[query_handler(crate = allframe_cqrs, crate = allframe_cqrs)]
async fn balance(_query: Balance) -> u64 {
    7
}

struct Bank;

#[handlers]
impl Bank {
    #[command_handler]
    #[command_handler]
    async fn open(&self, _command: Open) -> Vec<Opened> {
        vec![]
    }
}

#[projection(name = "a", version = 1, crate = allframe_cqrs, crate = allframe_cqrs)]
#[derive(Clone, Default, Serialize, Deserialize)]
struct Turnover;

#[projection(name = "a", version = 1)]
#[projection(name = "a", version = 1)]
#[derive(Clone, Default, Serialize, Deserialize)]
struct TurnoverTwice;

#[derive(Row, Clone)]
#[row(crate = allframe_cqrs, crate = allframe_cqrs)]
struct Flight {
    #[key]
    number: u32,
}

#[derive(Row, Clone)]
struct Plane {
    #[key]
    number: u32,
    #[index(name = "a", name = "b")]
    tail: u32,
}

fn main() {}
