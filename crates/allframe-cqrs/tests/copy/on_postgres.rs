//! A store in memory, rewritten into one on a PostgreSQL server.

#[path = "../support/schema.rs"]
mod schema;

use allframe_cqrs::{
    InMemoryBackend,
    copy::{CopyError, CopyOrder, StoreCopy},
};
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

    let back = InMemoryBackend::new();
    StoreCopy::new("back").from(&new).to(&back).order(CopyOrder::Streams).run().await.unwrap();
    assert_eq!(records(&back).await.len(), records(&new).await.len());
}

#[tokio::test]
async fn of_two_processes_that_copy_at_once_one_is_told_and_nothing_is_doubled() {
    let old = store_of("a1 b1 a2 b2 c1 c2 c3 a3 b3 a4").await;
    let schema = Schema::new();
    let (one, other) = (schema.open().await, schema.open().await);
    let copy = |new| StoreCopy::new("all").from(&old).to(new).batch_events(2);
    let (first, second) = (copy(&one), copy(&other));
    for ended in <[_; 2]>::from(tokio::join!(first.run(), second.run())) {
        assert!(matches!(ended, Ok(_) | Err(CopyError::Concurrent { .. })), "{ended:?}");
    }
    // Each may have been told of the other, at another append.
    first.run().await.unwrap();
    assert_eq!(told(&one).await, told(&old).await);
}
