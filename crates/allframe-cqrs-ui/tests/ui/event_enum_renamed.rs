use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event(rename = "Account")]
#[derive(Clone, Serialize, Deserialize)]
enum AccountEvent {
    Opened,
}

fn main() {}
