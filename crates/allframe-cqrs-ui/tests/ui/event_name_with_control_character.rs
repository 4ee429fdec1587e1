use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event(aliases("two\nlines"))]
#[derive(Clone, Serialize, Deserialize)]
struct Opened;

fn main() {}
