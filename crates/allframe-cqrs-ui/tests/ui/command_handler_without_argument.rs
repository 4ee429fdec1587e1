use allframe_cqrs::command_handler;

#[command_handler]
async fn open() {}

fn main() {}
