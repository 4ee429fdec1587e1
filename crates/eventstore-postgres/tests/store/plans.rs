//! How the server reads: a page costs what it returns, also in a store that grows faster than the server looks at its size.

use crate::support::{
    Schema, connect,
    events::{append_of, events},
    outcome::eventually,
};
use eventstore_api::{EventFilter, EventStoreBackend, EventType, ReadAll};

const ROUNDS: usize = 12;
const STREAMS_A_ROUND: usize = 2_000;

#[tokio::test]
async fn no_page_reads_the_names_of_all_streams() {
    let schema = Schema::new();
    let store = schema.open().await;
    let of_type = EventFilter::types([EventType::new("Counted").unwrap()]);
    let mut read = 0;
    for round in 0..ROUNDS {
        let append = |number: usize| append_of(&format!("s-{round}-{number}"), events(1));
        store.import((0..STREAMS_A_ROUND).map(append).collect()).await.unwrap();
        let head = store.head().await.unwrap().get();
        // On either side of what is planned anew.
        for (limit, filter) in
            [(1_500, EventFilter::all()), (500, EventFilter::all()), (500, of_type.clone())]
        {
            let after = eventstore_api::GlobalPosition::new(head - limit as u64);
            let mut query = ReadAll::after(after);
            (query.limit, query.filter) = (limit, filter);
            read += store.read_all(&query).await.unwrap().events.len() as i64;
        }
    }
    assert_eq!(read, (ROUNDS * 2_500) as i64);
    store.close().await.unwrap();

    // A session tells what it has read when it ends.
    let client = connect().await;
    let select = format!(
        "SELECT coalesce(idx_tup_fetch, 0), seq_tup_read FROM pg_stat_user_tables WHERE schemaname = '{}' AND relname = 'stream_names'",
        schema.name
    );
    let mut in_vain = 0;
    eventually("what was read is told", async || {
        let row = client.query_one(&select, &[]).await.unwrap();
        in_vain = row.get(1);
        row.get::<_, i64>(0) + in_vain >= read
    })
    .await;
    let once: i64 = (ROUNDS * STREAMS_A_ROUND) as i64;
    assert!(in_vain < once, "{in_vain} of {once} names were read one after the other");
}
