use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum AccountEvent {
    Opened,
    #[event(rename = "Opened")]
    Created,
}

fn main() {}
