use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event(name = "Opened")]
#[derive(Clone, Serialize, Deserialize)]
struct AccountOpened;

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum AccountEvent {
    #[event(version = 2)]
    Opened,
}

fn main() {}
