//! What is shown of a store in which somebody has changed what nobody changes.

use eventstore_api::{
    Direction, EventFilter, EventStoreBackend, EventType, ExpectedVersion, ReadAll, RecordedEvent, StoreError,
};
use eventstore_postgres::PostgresBackend;

use crate::support::{
    Schema, connect,
    events::{event, events, stream},
};

/// What is shown page by page until a page cannot be.
async fn shown_before_the_error(
    store: &PostgresBackend,
    mut query: ReadAll,
) -> (Vec<RecordedEvent>, StoreError) {
    let mut shown = Vec::new();
    loop {
        match store.read_all(&query).await {
            Ok(page) => {
                assert!(!page.end_reached, "the damage is passed by");
                query = query.next_page(&page);
                shown.extend(page.events);
            }
            Err(error) => return (shown, error),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_whole_before_an_event_that_cannot_be_read_is_shown() {
    let schema = Schema::new();
    let store = schema.open().await;
    store.append(&stream("a"), ExpectedVersion::Any, events(3)).await.unwrap();
    store.append(&stream("bad"), ExpectedVersion::Any, vec![event(3)]).await.unwrap();
    store.append(&stream("a"), ExpectedVersion::Any, events(2)).await.unwrap();
    let client = connect().await;
    let change = format!(
        "SET session_replication_role = replica; UPDATE {}.stream_names SET name = E'bad\\x1b' WHERE name = 'bad'",
        schema.name
    );
    client.batch_execute(&change).await.unwrap();

    let of_all_types = EventFilter::types([EventType::new("Counted").unwrap()]);
    for (direction, expected) in [(Direction::Forward, vec![1, 2, 3]), (Direction::Backward, vec![6, 5])] {
        let all = match direction {
            Direction::Forward => ReadAll::forward(),
            Direction::Backward => ReadAll::backward(),
        };
        for query in [all.clone(), all.filter(of_all_types.clone())] {
            let (shown, error) = shown_before_the_error(&store, query).await;
            let positions: Vec<u64> = shown.iter().map(|event| event.position.get()).collect();
            assert_eq!(positions, expected);
            assert!(matches!(error, StoreError::Corrupted { .. }), "{error:?}");
        }
    }
}
