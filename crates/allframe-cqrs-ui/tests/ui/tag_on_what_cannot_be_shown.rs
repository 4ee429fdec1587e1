use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Serialize, Deserialize)]
struct Planned {
    #[tag]
    courses: Vec<String>,
}

fn main() {}
