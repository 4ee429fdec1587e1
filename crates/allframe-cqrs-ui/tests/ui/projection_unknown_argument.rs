use allframe_cqrs::{Projection, event, projection};

#[event]
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Deposited {
    amount: u64,
}

#[projection(name = "turnover", version = 1, keep = true)]
#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
struct Turnover {
    total: u64,
}

impl Projection for Turnover {
    type Event = Deposited;

    fn apply(&mut self, event: &Deposited) {
        self.total += event.amount;
    }
}

fn main() {}
