use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum CourseEvent {
    Planned(#[tag] String),
}

fn main() {}
