use allframe_cqrs::{EventStore, command, command_handler, event, handlers};
use std::sync::Arc;

#[event]
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Opened;

#[command(stream = "account-1")]
struct Open;

trait Clock {}

#[command_handler]
async fn exclusive(_command: Open, _store: &mut EventStore<Opened>) -> Vec<Opened> {
    vec![]
}

#[command_handler]
async fn of_any_clock(_command: Open, _clock: impl Clock) -> Vec<Opened> {
    vec![]
}

#[command_handler]
async fn generic<T: Clock + 'static>(_command: Open, _clock: Arc<T>) -> Vec<Opened> {
    vec![]
}

#[command_handler]
async fn by_reference(_command: &Open) -> Vec<Opened> {
    vec![]
}

#[command_handler]
async fn for_no_bus(_command: Open) {}

#[command_handler(events = Opened)]
async fn told_twice(_command: Open) -> Vec<Opened> {
    vec![]
}

struct Bank;

impl Bank {
    #[command_handler]
    async fn method(&self, _command: Open) -> Vec<Opened> {
        vec![]
    }
}

#[handlers]
impl Clock for Bank {}

#[handlers]
fn function() {}

struct Shop;

#[handlers]
impl Shop {
    #[command_handler]
    async fn consumed(self, _command: Open) -> Vec<Opened> {
        vec![]
    }
}

struct Of<T>(T);

#[handlers]
impl<T> Of<T> {
    #[command_handler]
    async fn open(&self, _command: Open) -> Vec<Opened> {
        vec![]
    }
}

fn main() {}
