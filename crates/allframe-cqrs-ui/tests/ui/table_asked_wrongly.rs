use allframe_cqrs::{Row, Table};

#[derive(Row)]
struct Flight {
    #[key]
    id: u32,
    #[index]
    carrier: String,
}

fn main() {
    let flights = Table::<Flight>::new();
    let _ = flights.find_one(Flight::CARRIER, "AA");
    let _ = flights.find(Flight::CARRIER, &15);
}
