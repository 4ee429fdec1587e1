use allframe_cqrs::{command, command_handler};

#[command(idempotent)]
struct Open;

#[command_handler(retry = 3)]
fn open(_command: Open) {}

fn main() {}
