use allframe_cqrs::command;

#[command(stream = nowhere)]
struct Open;

fn main() {}
