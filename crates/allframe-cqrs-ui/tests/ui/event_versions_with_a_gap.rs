use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Serialize, Deserialize)]
struct NoVersion {
    #[added(version = 2)]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct Above {
    #[renamed(from = "sum", version = 3)]
    amount: u64,
}

#[event(version = 4)]
#[derive(Clone, Serialize, Deserialize)]
struct Gap {
    #[added(version = 2)]
    amount: u64,
    #[added(version = 4)]
    note: String,
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum Account {
    #[event(version = 3)]
    Opened {
        #[removed(version = 2)]
        owner: String,
    },
    #[event(version = 2, unchanged(4))]
    Closed,
}

fn main() {}
