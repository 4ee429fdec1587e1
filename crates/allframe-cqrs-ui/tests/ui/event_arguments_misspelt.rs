use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event(perfix = "user.")]
#[derive(Clone, Serialize, Deserialize)]
enum OnTheType {
    Opened,
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum OnAVariant {
    #[event(vesion = 2)]
    Opened,
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum PrefixOnAVariant {
    #[event(prefix = "user.")]
    Opened,
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum UpcastersOnAVariant {
    #[event(upcasters = path)]
    Opened,
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum Alone {
    #[event]
    Opened,
}

#[event(upcasters = path())]
#[derive(Clone, Serialize, Deserialize)]
struct Called;

fn main() {}
