use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum AccountEvent {
    #[cfg(windows)]
    Opened,
    Closed,
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum OrderEvent {
    #[cfg_attr(windows, serde(skip))]
    Placed,
    Shipped,
}

fn main() {}
