use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum AccountEvent {
    Opened,
    #[event(unknown)]
    Other(String),
}

fn main() {}
