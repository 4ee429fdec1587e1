use allframe_cqrs::{EventStore, event, schema::SchemaCheck};
use serde::{Deserialize, Serialize};

#[event(schema)]
#[derive(Clone, Serialize, Deserialize)]
enum Noted<T> {
    Note { what: T },
}

#[event]
#[derive(Clone, Serialize, Deserialize)]
struct Deposited {
    amount: u64,
}

async fn without_schemas(store: EventStore<Deposited>) {
    let _ = store.with_schemas(SchemaCheck::default()).await;
}

fn main() {}
