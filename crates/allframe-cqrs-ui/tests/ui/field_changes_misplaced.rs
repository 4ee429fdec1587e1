use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct Unnamed(#[added(version = 2)] u64);

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum Account {
    #[event(version = 2)]
    Moved(#[converted(version = 2, with = u64::from)] u64),
}

#[event(version = 2)]
#[added(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct OnTheStruct {
    amount: u64,
}

#[event]
#[removed(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
enum OnTheEnum {
    Opened,
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum OnAVariant {
    #[renamed(from = "Open", version = 2)]
    Opened,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct TaggedByWhatIsGone {
    #[tag]
    #[removed(version = 2)]
    owner: String,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct UnderACondition {
    #[added(version = 2)]
    note: String,
    #[cfg(test)]
    owner: String,
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
struct TaggedUnderACondition {
    #[tag]
    #[cfg(test)]
    owner: String,
}

fn main() {}
