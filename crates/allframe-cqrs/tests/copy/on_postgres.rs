//! A store in memory, rewritten into one on a PostgreSQL server.

#[path = "../support/schema.rs"]
mod schema;

use allframe_cqrs::copy::{CopyOrder, StoreCopy};
use schema::Schema;

use crate::stores::{add, append, records, store_of, told};

#[tokio::test]
async fn a_store_is_copied_into_postgres_and_out_of_it_and_goes_on_there() {
    let old = store_of("a1 b1 a2 b2 c1 c2 c3 a3").await;
    append(&old, "d", "Done", "{ \"spaces\" :  1.50, \"b\": 1, \"a\": 2 }").await;
    let schema = Schema::new();
    let new = schema.open().await;
    let into = StoreCopy::new("all").from(&old).to(&new).batch_events(3).transform(|record, output| {
        match record.stream.as_str() {
            "c" => output.keep_in("b"),
            _ => output.keep(),
        }
    });
    into.run().await.unwrap();
    add(&old, "a4 c4").await;
    let rest = into.run().await.unwrap();
    assert_eq!((rest.copied.read, rest.verified.counts.read), (2, 2));
    assert_eq!(
        told(&new).await,
        "a.1=a1 b.1=b1 a.2=a2 b.2=b2 b.3=c1 b.4=c2 b.5=c3 a.3=a3 \
         d.1={ \"spaces\" :  1.50, \"b\": 1, \"a\": 2 } a.4=a4 b.6=c4"
    );
    // Through another process's connections.
    let elsewhere = schema.open().await;
    let verified = StoreCopy::new("all").from(&old).to(&elsewhere).transform(|record, output| {
        match record.stream.as_str() {
            "c" => output.keep_in("b"),
            _ => output.keep(),
        }
    });
    assert!(verified.verify().await.unwrap().is_same());

    let back = allframe_cqrs::InMemoryBackend::new();
    StoreCopy::new("back").from(&new).to(&back).order(CopyOrder::Streams).run().await.unwrap();
    assert_eq!(records(&back).await.len(), records(&new).await.len());
}
