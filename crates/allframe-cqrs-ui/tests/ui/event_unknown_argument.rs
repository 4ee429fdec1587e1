use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event(name = "Opened")]
#[derive(Clone, Serialize, Deserialize)]
struct AccountOpened;

fn main() {}
