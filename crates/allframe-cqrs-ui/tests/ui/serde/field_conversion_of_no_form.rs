use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct Booked {
    #[converted(version = 2, with = of_no_form)]
    amount: u64,
}

struct NoForm;

fn of_no_form(_: NoForm) -> u64 {
    7
}

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct Named {
    #[converted(version = 2, with = length)]
    length: usize,
}

fn length(name: &str) -> usize {
    name.len()
}

fn main() {}
