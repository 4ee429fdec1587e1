use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct AnswersAnotherType {
    #[converted(version = 2, with = text_of)]
    amount: u64,
}

fn text_of(amount: u32) -> String {
    amount.to_string()
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct AnswersAResult {
    #[converted(version = 2, with = parsed)]
    amount: u64,
}

fn parsed(amount: String) -> Result<u64, String> {
    amount.parse().map_err(|_| amount)
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct AnswersNoResult {
    #[converted(version = 2, try_with = length_of)]
    amount: u64,
}

fn length_of(amount: String) -> u64 {
    amount.len() as u64
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct FailsWithANumber {
    #[converted(version = 2, try_with = fails_with_a_number)]
    amount: u64,
}

fn fails_with_a_number(amount: u32) -> Result<u64, u32> {
    Err(amount)
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct TakesTwo {
    #[converted(version = 2, with = sum)]
    amount: u64,
}

fn sum(one: u64, other: u64) -> u64 {
    one + other
}

#[derive(Clone, Serialize, Deserialize)]
struct Amount(u64);

impl From<u32> for Amount {
    fn from(amount: u32) -> Self {
        Self(amount.into())
    }
}

impl From<u64> for Amount {
    fn from(amount: u64) -> Self {
        Self(amount)
    }
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct TakesSeveral {
    #[converted(version = 2, with = Amount::from)]
    amount: Amount,
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct TakesAnother {
    #[converted(version = 2, from = u16, with = of_u32)]
    amount: u64,
}

fn of_u32(amount: u32) -> u64 {
    amount.into()
}

fn main() {}
