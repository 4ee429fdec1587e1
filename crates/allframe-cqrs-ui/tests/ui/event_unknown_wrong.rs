use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event(unknown)]
#[derive(Clone, Serialize, Deserialize)]
struct OnAStruct(allframe_cqrs::UnknownEvent);

#[event(unknown)]
#[derive(Clone, Serialize, Deserialize)]
enum OnTheEnum {
    Opened,
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum WithoutContent {
    Opened,
    #[event(unknown)]
    Other,
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum WithAField {
    Opened,
    #[event(unknown)]
    Other { event: allframe_cqrs::UnknownEvent },
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum WithMore {
    Opened,
    #[event(unknown)]
    Other(allframe_cqrs::UnknownEvent, u32),
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum Two {
    Opened,
    #[event(unknown)]
    Other(allframe_cqrs::UnknownEvent),
    #[event(unknown)]
    Another(allframe_cqrs::UnknownEvent),
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum Twice {
    Opened,
    #[event(unknown, unknown)]
    Other(allframe_cqrs::UnknownEvent),
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum Named {
    Opened,
    #[event(unknown, rename = "Other")]
    Other(allframe_cqrs::UnknownEvent),
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum Versioned {
    Opened,
    #[event(unknown, version = 2)]
    Other(allframe_cqrs::UnknownEvent),
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum Tagged {
    Opened,
    #[event(unknown)]
    Other(#[tag("other")] allframe_cqrs::UnknownEvent),
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum OfAValue {
    Opened,
    #[event(unknown = true)]
    Other(allframe_cqrs::UnknownEvent),
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum Alone {
    #[event(unknown)]
    Other(allframe_cqrs::UnknownEvent),
}

fn main() {}
