use allframe_cqrs::command_handler;

#[command_handler]
struct Open;

fn main() {}
