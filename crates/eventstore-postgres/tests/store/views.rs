//! What people see in SQL.

use crate::support::{
    Schema, connect,
    events::{event, events, motley, stream},
};
use eventstore_api::{Encoding, EventStoreBackend, EventType, ExpectedVersion, Snapshot, Version};

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_a_row_whose_json_can_be_asked_for() {
    let schema = Schema::new();
    let store = schema.open().await;
    store.append(&stream("account-7"), ExpectedVersion::Any, vec![event(41), event(1)]).await.unwrap();
    let sum = format!(
        "SELECT sum((data ->> 'number')::int) FROM {}.events WHERE category = 'account'",
        schema.name
    );
    assert_eq!(connect().await.query_one(&sum, &[]).await.unwrap().get::<_, i64>(0), 42);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_payload_makes_a_query_over_all_events_fail() {
    let schema = Schema::new();
    let store = schema.open().await;
    let all = motley();
    store.append(&stream("any"), ExpectedVersion::Any, all.clone()).await.unwrap();
    let query = format!(
        "SELECT data, payload IS NULL FROM {}.events WHERE data IS NULL OR data IS NOT NULL",
        schema.name
    );
    let rows = connect().await.query(&query, &[]).await.unwrap();
    assert_eq!(rows.len(), all.len());
    let as_json = rows.iter().filter(|row| row.get::<_, bool>(1)).count();
    assert_eq!(as_json, 2, "what jsonb cannot hold is kept as bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_stream_is_a_row_with_where_it_has_come_to() {
    let schema = Schema::new();
    let store = schema.open().await;
    store.append(&stream("account-7"), ExpectedVersion::Any, events(2)).await.unwrap();
    store.append(&stream("till"), ExpectedVersion::Any, events(1)).await.unwrap();
    store.append(&stream("account-7"), ExpectedVersion::Any, events(1)).await.unwrap();
    let query = format!(
        "SELECT stream, category, version, last_position, first_recorded_at <= last_recorded_at \
        FROM {}.streams ORDER BY stream",
        schema.name
    );
    let rows = connect().await.query(&query, &[]).await.unwrap();
    let found: Vec<(&str, &str, i64, i64, bool)> =
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4))).collect();
    assert_eq!(found, [("account-7", "account", 3, 4, true), ("till", "till", 1, 3, true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_json_shows_it_and_another_one_shows_none() {
    let schema = Schema::new();
    let store = schema.open().await;
    for (name, payload) in [("a", &b"{\"balance\": 5}"[..]), ("b", b"\xff"), ("c", b"\"\\u0000\"")] {
        let state = EventType::new("Account").unwrap();
        let snapshot = Snapshot::new(stream(name), Version::new(1), state, payload.to_vec());
        store.save_snapshot(snapshot.with_encoding(Encoding::JSON)).await.unwrap();
    }
    let query =
        format!("SELECT stream, (data ->> 'balance')::int FROM {}.latest_snapshots ORDER BY 1", schema.name);
    let rows = connect().await.query(&query, &[]).await.unwrap();
    let found: Vec<(&str, Option<i32>)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(found, [("a", Some(5)), ("b", None), ("c", None)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_json_holds_can_have_an_index() {
    let schema = Schema::new();
    let store = schema.open().await;
    store.append(&stream("a"), ExpectedVersion::Any, events(3)).await.unwrap();
    let index = format!("CREATE INDEX ON {}.event_log USING gin ((data::jsonb) jsonb_path_ops)", schema.name);
    let client = connect().await;
    client.batch_execute(&index).await.unwrap();
    let plan = format!(
        "SET enable_seqscan = off; SET enable_indexscan = off; EXPLAIN SELECT position FROM {}.events WHERE data @> '{{\"number\": 2}}'",
        schema.name
    );
    let plan = client.simple_query(&plan).await.unwrap();
    assert!(format!("{plan:?}").contains("Bitmap Index Scan"), "{plan:?}");
}
