use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum AccountEvent {
    Deposited,
    #[event(aliases("PaidIn", "Deposited"))]
    Credited,
}

fn main() {}
