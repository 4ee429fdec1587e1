use allframe_cqrs::{command, command_handler, event};

#[event]
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Opened;

#[command(stream = "account-1")]
struct Open;

struct NoCommand;

#[command_handler]
async fn a_number(_command: Open) -> u64 {
    7
}

#[command_handler]
async fn something_else(_command: NoCommand) -> Vec<Opened> {
    vec![]
}

fn main() {}
