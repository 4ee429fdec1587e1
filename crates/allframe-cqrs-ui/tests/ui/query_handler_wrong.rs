use allframe_cqrs::{query, query_handler};

#[query]
struct Balance;

#[query_handler]
async fn by_reference(_query: &Balance) -> u64 {
    7
}

#[query_handler]
async fn of_no_query(_query: u32) -> u64 {
    7
}

struct Bank;

impl Bank {
    #[query_handler]
    async fn method(&self, _query: Balance) -> u64 {
        7
    }
}

fn main() {}
