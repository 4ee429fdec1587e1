use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event(version = 2, unchanged(2))]
#[derive(Clone, Serialize, Deserialize)]
struct Changed {
    #[added(version = 2)]
    amount: u64,
}

#[event(version = 3, unchanged(2, 3, 2))]
#[derive(Clone, Serialize, Deserialize)]
struct Twice;

#[event(version = 2, unchanged())]
#[derive(Clone, Serialize, Deserialize)]
struct Nothing;

#[event(version = 2, unchanged)]
#[derive(Clone, Serialize, Deserialize)]
struct NoList;

#[event(version = 2, unchanged = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct NoParentheses;

#[event(version = 2, unchanged(1))]
#[derive(Clone, Serialize, Deserialize)]
struct First;

#[event(unchanged(2))]
#[derive(Clone, Serialize, Deserialize)]
struct Above;

#[event(version = 2, unchanged(two))]
#[derive(Clone, Serialize, Deserialize)]
struct NoNumber;

fn main() {}
