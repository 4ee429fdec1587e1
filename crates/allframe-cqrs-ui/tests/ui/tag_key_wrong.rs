use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Serialize, Deserialize)]
struct Planned {
    #[tag("")]
    course: String,
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
struct Moved {
    #[tag("course:old")]
    course: String,
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
struct Closed {
    #[tag(course)]
    course: String,
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
struct Renamed {
    #[tag = "course"]
    course: String,
}

fn main() {}
