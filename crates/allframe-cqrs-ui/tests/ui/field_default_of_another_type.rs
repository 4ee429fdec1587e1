use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
enum Currency {
    Euro,
}

#[derive(Clone, Serialize, Deserialize)]
struct Amount(u64);

#[event(version = 2)]
#[derive(Clone, Serialize, Deserialize)]
struct Booked {
    #[added(version = 2, default = 7)]
    clerk: String,
    #[added(version = 2, default = "seven")]
    amount: Amount,
    #[added(version = 2)]
    currency: Currency,
}

fn main() {}
