use allframe_cqrs::command;
use serde::Deserialize;

#[command(json)]
struct NotRead {
    account: u32,
}

#[derive(Deserialize)]
struct Address {
    street: String,
}

#[command(json)]
#[derive(Deserialize)]
struct NestedWithoutSchema {
    address: Address,
}

fn main() {}
