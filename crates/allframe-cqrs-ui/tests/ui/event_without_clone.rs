use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event]
#[derive(Serialize, Deserialize)]
struct Opened {
    owner: String,
}

fn main() {}
