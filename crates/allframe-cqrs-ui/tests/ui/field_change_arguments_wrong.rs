use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct AddedAlone {
    #[added]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct AddedVersion {
    #[added = 2]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct AddedWithoutVersion {
    #[added(default = 7)]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct AddedSince {
    #[added(version = 2, since = 3)]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct AddedWithAnEmptyDefault {
    #[added(version = 2, default)]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct AddedTwice {
    #[added(version = 2, version = 2)]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct AddedInTheFirst {
    #[added(version = 1)]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct AddedInText {
    #[added(version = "2")]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct DefaultTwice {
    #[added(version = 2, default = 1, default = 2)]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct RenamedFromNothing {
    #[renamed(version = 2)]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct RenamedFromAnIdent {
    #[renamed(from = sum, version = 2)]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct RenamedTo {
    #[renamed(from = "sum", to = "amount", version = 2)]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct FromTwice {
    #[renamed(from = "sum", from = "total", version = 2)]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct RemovedWithAWord {
    #[removed(version = 2, default = 7)]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct ConvertedByNothing {
    #[converted(version = 2)]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct ConvertedByBoth {
    #[converted(version = 2, with = u64::from, try_with = u64::try_from)]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct ConvertedWhich {
    #[converted(version = 2, wiht = u64::from)]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct ConvertedFromTwice {
    #[converted(version = 2, from = u32, from = u16, with = u64::from)]
    amount: u64,
}

fn main() {}
