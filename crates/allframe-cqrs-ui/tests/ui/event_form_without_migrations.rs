use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event(version = 2)]
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct DefaultOfTheWhole {
    #[added(version = 2)]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct Generic<T> {
    #[added(version = 2)]
    amount: u64,
    owner: T,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind")]
struct Tagged {
    #[added(version = 2)]
    amount: u64,
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    #[event(version = 2)]
    Opened {
        #[added(version = 2)]
        amount: u64,
    },
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum ReadWith {
    #[event(version = 2)]
    #[serde(with = "amounts")]
    Opened {
        #[added(version = 2)]
        amount: u64,
    },
}

fn main() {}
