use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum AccountEvent {
    #[event(rename = "Created", rename = "Opened")]
    Began,
}

fn main() {}
