use allframe_cqrs::event;
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum Account {
    #[event(aliases("Opened"))]
    Opened,
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum Booking {
    #[event(aliases("Paid", "Paid"))]
    Booked,
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum Booking2 {
    #[event(rename = "Paid", aliases("Booked"))]
    Paid,
    Booked,
}

fn main() {}
