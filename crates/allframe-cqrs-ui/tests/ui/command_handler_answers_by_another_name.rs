use allframe_cqrs::{EventStore, command, command_handler, event};

#[event]
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Opened;

#[command(stream = "account-1")]
struct Open;

type Nothing = ();
type Done = Result<(), u64>;
type Events = Vec<Opened>;

#[command_handler]
async fn of_no_bus(_command: Open) -> Nothing {}

#[command_handler]
async fn of_no_bus_with_a_store(_command: Open, _store: &EventStore<Opened>) -> Nothing {}

#[command_handler(events = Opened)]
async fn an_error_that_is_none(_command: Open) -> Done {
    Ok(())
}

#[command_handler(events = Opened)]
async fn told_twice(_command: Open) -> Events {
    vec![]
}

#[command_handler(events = Opened)]
async fn told_twice_with_a_result(_command: Open) -> Result<Events, String> {
    Ok(vec![])
}

#[command_handler(events = u64)]
async fn of_no_events(_command: Open) {}

fn main() {}
