//! A log in partitions.

use crate::support::{
    Schema, connect,
    events::{all, append_of, event, events, stream},
    server,
};
use eventstore_api::{
    EventFilter, EventStoreBackend, EventType, ExpectedVersion, ReadAll, StoreError, Tags, Version,
};
use eventstore_postgres::{Partitioning, PostgresBackend, PostgresConfig};

fn config(schema: &Schema, events: u64) -> PostgresConfig {
    let partitioning = Some(Partitioning::by_events(events.try_into().unwrap()));
    PostgresConfig { partitioning, ..schema.config() }
}

/// Where partitions begin, and where the last one ends.
async fn bounds(schema: &Schema) -> Vec<(i64, i64)> {
    let select = format!("SELECT first_position, beyond FROM {}.partitions ORDER BY 1", schema.name);
    let rows = connect().await.query(&select, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_made_as_they_are_needed() {
    let schema = Schema::new();
    let store = schema.open_with(config(&schema, 10)).await;
    assert_eq!(bounds(&schema).await, [(1, 11)]);
    store.append(&stream("a"), ExpectedVersion::Any, events(25)).await.unwrap();
    assert_eq!(bounds(&schema).await, [(1, 11), (11, 21), (21, 31)]);
    store.import(vec![append_of("b", events(7))]).await.unwrap();
    assert_eq!(bounds(&schema).await.last(), Some(&(31, 41)));

    let per_table = format!(
        "SELECT tableoid::regclass::text, count(*) FROM {}.event_log GROUP BY 1 ORDER BY 1",
        schema.name
    );
    let rows = connect().await.query(&per_table, &[]).await.unwrap();
    let counts: Vec<i64> = rows.iter().map(|row| row.get(1)).collect();
    assert_eq!(counts, [10, 10, 10, 2], "each event is in the partition of its position");
    assert_eq!(all(&store).await.len(), 32);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_has_events_keeps_them_and_what_they_mean() {
    let schema = Schema::new();
    let before = schema.open().await;
    let known = events(12);
    let first = before.append(&stream("a"), ExpectedVersion::Any, known.clone()).await.unwrap();
    let stored = all(&before).await;

    let store = schema.open_with(config(&schema, 10)).await;
    assert_eq!(bounds(&schema).await, [(1, 21)]);
    assert_eq!(all(&store).await, stored);
    let again = store.append(&stream("a"), ExpectedVersion::NoStream, known.clone()).await.unwrap();
    assert_eq!(again, first, "a retry is still known");
    let refused = store.append(&stream("a"), ExpectedVersion::NoStream, events(1)).await;
    assert!(matches!(refused, Err(StoreError::WrongExpectedVersion { .. })), "{refused:?}");

    // Who had it open before goes on, with statements that were prepared for one table.
    let exact = ExpectedVersion::Exact(Version::new(12));
    before.append(&stream("a"), exact, events(20)).await.unwrap();
    assert_eq!(all(&before).await, all(&store).await);
    assert_eq!(all(&store).await.len(), 32);
    let retried = before.append(&stream("a"), ExpectedVersion::Any, known).await.unwrap();
    assert_eq!(retried, first);
}

/// A statement is planned for the partitions that there are, and may see events that are stored later.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_misses_nothing_while_partitions_are_made() {
    const EVENTS: usize = 300;
    let schema = Schema::new();
    let store = schema.open_with(config(&schema, 6)).await;
    let writer = {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 0..EVENTS {
                let tagged = event(number).with_tags(Tags::parse(["a:b"]).unwrap());
                store.append(&stream("a"), ExpectedVersion::Any, vec![tagged]).await.unwrap();
            }
        })
    };
    let filters = [
        EventFilter::all(),
        EventFilter::tagged(Tags::parse(["a:b"]).unwrap()),
        EventFilter::types([EventType::new("Counted").unwrap()]),
        EventFilter::stream_prefix("a"),
        EventFilter::stream(stream("a")),
    ];
    let mut readers = tokio::task::JoinSet::new();
    for filter in filters {
        let store = store.clone();
        readers.spawn(async move {
            let (mut query, mut next) = (ReadAll::forward().filter(filter.clone()), 1);
            while next <= EVENTS as u64 {
                let page = store.read_all(&query).await.unwrap();
                for event in &page.events {
                    assert_eq!(event.position.get(), next, "{filter:?} passed by an event");
                    next += 1;
                }
                assert!(page.next.get() < next, "{filter:?} looked at {} and found {next}", page.next);
                query = query.next_page(&page);
            }
        });
    }
    readers.join_all().await;
    writer.await.unwrap();
}

/// Of an append over the end of a partition, a statement that was planned without the next one would see the first half.
#[tokio::test(flavor = "multi_thread")]
async fn an_append_over_the_end_of_a_partition_is_seen_whole() {
    const BATCHES: usize = 150;
    let schema = Schema::new();
    let store = schema.open_with(config(&schema, 4)).await;
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let store = store.clone();
        readers.spawn(async move {
            let mut seen = 0;
            while seen < BATCHES * 3 {
                seen = store.get_events(&stream("a")).await.unwrap().len();
                assert_eq!(seen % 3, 0, "a part of an append was seen");
            }
        });
    }
    for _ in 0..BATCHES {
        store.append(&stream("a"), ExpectedVersion::Any, events(3)).await.unwrap();
    }
    readers.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_size_counts_for_partitions_to_come() {
    let schema = Schema::new();
    let store = schema.open_with(config(&schema, 10)).await;
    store.append(&stream("a"), ExpectedVersion::Any, events(12)).await.unwrap();
    let store = schema.open_with(config(&schema, 5)).await;
    store.append(&stream("a"), ExpectedVersion::Any, events(12)).await.unwrap();
    // The next one is made when the last is half full.
    assert_eq!(bounds(&schema).await, [(1, 11), (11, 21), (21, 26), (26, 31)]);
    // Opened without a word about it, it stays as it is.
    schema.open().await.append(&stream("a"), ExpectedVersion::Any, events(2)).await.unwrap();
    assert_eq!(bounds(&schema).await.last(), Some(&(26, 31)));
}

#[tokio::test(flavor = "multi_thread")]
async fn views_of_others_over_the_log_are_named_and_nothing_is_changed() {
    let schema = Schema::new();
    let store = schema.open().await;
    store.append(&stream("a"), ExpectedVersion::Any, events(1)).await.unwrap();
    let view = format!("CREATE VIEW {0}.mine AS SELECT position FROM {0}.event_log", schema.name);
    connect().await.batch_execute(&view).await.unwrap();
    let refused = PostgresBackend::with_config(&server(), config(&schema, 10)).await;
    let Err(error @ StoreError::Storage { .. }) = refused else { panic!("{refused:?}") };
    assert!(String::from(error).contains("of the oldest partition alone: view mine;"));

    store.append(&stream("a"), ExpectedVersion::Any, events(1)).await.unwrap();
    assert_eq!(bounds(&schema).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn triggers_and_indexes_of_others_are_named_too() {
    let schema = Schema::new();
    drop(schema.open().await);
    let name = &schema.name;
    let own = format!(
        "CREATE INDEX mine ON {name}.event_log (recorded_at); \
        CREATE TRIGGER hears AFTER INSERT ON {name}.event_log FOR EACH STATEMENT EXECUTE FUNCTION {name}.refuse_change()"
    );
    connect().await.batch_execute(&own).await.unwrap();
    let refused = PostgresBackend::with_config(&server(), config(&schema, 10)).await;
    let Err(error @ StoreError::Storage { .. }) = refused else { panic!("{refused:?}") };
    assert!(String::from(error).contains("of the oldest partition alone: index mine, trigger hears;"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_for_hours_keeps_it_from_being_done_and_nobody_else_from_anything() {
    let schema = Schema::new();
    let store = schema.open().await;
    store.append(&stream("a"), ExpectedVersion::Any, events(1)).await.unwrap();
    let reader = connect().await;
    reader.batch_execute(&format!("BEGIN; SELECT count(*) FROM {}.event_log", schema.name)).await.unwrap();
    let refused = PostgresBackend::with_config(&server(), config(&schema, 10)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    store.append(&stream("a"), ExpectedVersion::Any, events(1)).await.unwrap();
    assert_eq!(all(&store).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_could_read_the_log_can_read_it_in_partitions() {
    let schema = Schema::new();
    drop(schema.open().await);
    let (name, role) = (&schema.name, format!("role_{}", schema.name));
    let client = connect().await;
    let grant = format!(
        "CREATE ROLE {role}; GRANT USAGE ON SCHEMA {name} TO {role}; GRANT SELECT ON {name}.event_log TO {role}"
    );
    client.batch_execute(&grant).await.unwrap();
    let store = schema.open_with(config(&schema, 10)).await;
    store.append(&stream("a"), ExpectedVersion::Any, events(15)).await.unwrap();

    client.batch_execute(&format!("SET ROLE {role}")).await.unwrap();
    let counted = client.query_one(&format!("SELECT count(*) FROM {name}.event_log"), &[]).await;
    client.batch_execute(&format!("RESET ROLE; DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
    assert_eq!(counted.unwrap().get::<_, i64>(0), 15);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_partition_can_be_changed_by_itself() {
    let schema = Schema::new();
    let store = schema.open_with(config(&schema, 10)).await;
    store.append(&stream("a"), ExpectedVersion::Any, events(15)).await.unwrap();
    let tagged = event(15).with_tags(Tags::parse(["a:b"]).unwrap());
    store.append(&stream("a"), ExpectedVersion::Any, vec![tagged]).await.unwrap();
    let client = connect().await;
    for table in ["event_log", "event_log_000000000001", "event_log_000000000011", "stored_ids", "event_tags"]
    {
        for change in ["DELETE FROM", "TRUNCATE"] {
            let change = format!("{change} {}.{table}", schema.name);
            let refused = client.batch_execute(&change).await.unwrap_err();
            assert!(
                refused.as_db_error().unwrap().message().contains("never changed"),
                "{change}: {refused}"
            );
        }
    }
    assert_eq!(all(&store).await.len(), 16);
}
