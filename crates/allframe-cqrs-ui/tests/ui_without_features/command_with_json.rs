use allframe_cqrs::command;

#[command(stream = "account-{account}", json)]
#[derive(serde::Deserialize)]
struct Open {
    account: u32,
}

fn main() {}
