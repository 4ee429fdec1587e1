use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event(version = 3)]
#[derive(Clone, Serialize, Deserialize)]
struct RenamedWhenGone {
    #[removed(version = 2)]
    #[renamed(from = "sum", version = 3)]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct RemovedAsRenamed {
    #[removed(version = 2)]
    #[renamed(from = "sum", version = 2)]
    amount: u64,
}

#[event(version = 3)]
#[derive(Clone, Serialize, Deserialize)]
struct ConvertedBeforeAdded {
    #[added(version = 3)]
    #[converted(version = 2, with = u64::from)]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct RemovedWhenAdded {
    #[added(version = 2)]
    #[removed(version = 2)]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct RenamedTwice {
    #[renamed(from = "sum", version = 2)]
    #[renamed(from = "total", version = 2)]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct ConvertedTwice {
    #[converted(version = 2, with = u64::from)]
    #[converted(version = 2, with = u64::from)]
    amount: u64,
}

#[event(version = 3)]
#[derive(Clone, Serialize, Deserialize)]
struct AddedTwice {
    #[added(version = 2)]
    #[added(version = 3)]
    amount: u64,
}

#[event(version = 3)]
#[derive(Clone, Serialize, Deserialize)]
struct RemovedTwice {
    #[removed(version = 2)]
    #[removed(version = 3)]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct FromItsOwnName {
    #[renamed(from = "amount", version = 2)]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FromItsOwnNameInThePayload {
    #[renamed(from = "paidAmount", version = 2)]
    paid_amount: u64,
}

#[event(version = 3)]
#[derive(Clone, Serialize, Deserialize)]
struct FromTheNameThatItHadAlready {
    #[renamed(from = "sum", version = 2)]
    #[renamed(from = "sum", version = 3)]
    amount: u64,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct TwoOfOneName {
    #[renamed(from = "sum", version = 2)]
    amount: u64,
    sum: u64,
}

fn main() {}
