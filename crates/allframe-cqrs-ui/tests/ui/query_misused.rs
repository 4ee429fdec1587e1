use allframe_cqrs::{query, query_handler};

#[query]
fn balance() {}

#[query(cached)]
struct Balance;

#[query_handler]
async fn answer() {}

#[query_handler]
struct Answer;

fn main() {}
