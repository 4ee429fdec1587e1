use allframe_cqrs::{command, event, query};
use serde::{Deserialize, Serialize};

#[command(stream = "account-{account}")]
struct Open<'a> {
    account: &'a str,
}

#[query]
struct Balance<'a> {
    account: &'a str,
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
struct Opened<'a> {
    account: &'a str,
}

fn main() {}
