//! Events and rows of the application's own, in one transaction.

use std::time::Duration;

use crate::support::{
    Schema, connect,
    events::{all, batch, event, events, stream},
};
use eventstore_api::{EventStoreBackend, ExpectedVersion, GlobalPosition, StoreError};
use eventstore_postgres::PostgresConfig;
use tokio::time::timeout;
use tokio_postgres::IsolationLevel;

#[tokio::test(flavor = "multi_thread")]
async fn a_row_and_an_event_are_stored_together() {
    let schema = Schema::new();
    let (store, mut client) = (schema.open().await, connect().await);
    client.batch_execute(&format!("CREATE TABLE {}.invoice (ticket int)", schema.name)).await.unwrap();

    let transaction = client.transaction().await.unwrap();
    let insert = format!("INSERT INTO {}.invoice VALUES (7)", schema.name);
    transaction.execute(&insert, &[]).await.unwrap();
    let appended =
        store.append_in(&transaction, batch("t", ExpectedVersion::NoStream, events(2))).await.unwrap();
    assert_eq!(all(&store).await, [], "nothing is stored before the commit");
    transaction.commit().await.unwrap();

    let stored = all(&store).await;
    assert_eq!(stored.len(), 2);
    assert_eq!(stored.last().unwrap().position, appended.first().unwrap().last_position);
    let count = format!("SELECT count(*) FROM {}.invoice", schema.name);
    assert_eq!(client.query_one(&count, &[]).await.unwrap().get::<_, i64>(0), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_rolled_back_leaves_nothing_behind() {
    let schema = Schema::new();
    let (store, mut client) = (schema.open().await, connect().await);
    let transaction = client.transaction().await.unwrap();
    store.append_in(&transaction, batch("t", ExpectedVersion::Any, events(3))).await.unwrap();
    transaction.rollback().await.unwrap();

    let appended = store.append(&stream("t"), ExpectedVersion::NoStream, events(1)).await.unwrap();
    assert_eq!(appended.first_position, GlobalPosition::new(1), "its positions are given to the next");
    assert_eq!(all(&store).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_append_leaves_the_transaction_usable() {
    let schema = Schema::new();
    let (store, mut client) = (schema.open().await, connect().await);
    store.append(&stream("t"), ExpectedVersion::Any, events(1)).await.unwrap();

    let transaction = client.transaction().await.unwrap();
    let refused = store.append_in(&transaction, batch("t", ExpectedVersion::NoStream, events(1))).await;
    assert!(matches!(refused, Err(StoreError::WrongExpectedVersion { .. })), "{refused:?}");
    store.append_in(&transaction, batch("u", ExpectedVersion::NoStream, events(1))).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(all(&store).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_is_answered_as_before_also_by_the_transaction_that_appended() {
    let schema = Schema::new();
    let (store, mut client) = (schema.open().await, connect().await);
    let same = batch("t", ExpectedVersion::NoStream, events(2));
    let transaction = client.transaction().await.unwrap();
    let first = store.append_in(&transaction, same.clone()).await.unwrap();
    assert_eq!(store.append_in(&transaction, same.clone()).await.unwrap(), first);
    transaction.commit().await.unwrap();
    assert_eq!(store.append_all(same).await.unwrap(), first);
    assert_eq!(all(&store).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_isolation_level_is_refused_for_good() {
    let schema = Schema::new();
    let (store, mut client) = (schema.open().await, connect().await);
    for level in [IsolationLevel::RepeatableRead, IsolationLevel::Serializable] {
        let transaction = client.build_transaction().isolation_level(level).start().await.unwrap();
        let refused = store.append_in(&transaction, batch("t", ExpectedVersion::Any, events(1))).await;
        let Err(error @ StoreError::Storage { .. }) = refused else { panic!("{refused:?}") };
        assert!(String::from(error).contains("read committed"));
        transaction.rollback().await.unwrap();
    }
    assert_eq!(all(&store).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn others_who_append_wait_for_the_end_of_the_transaction() {
    let schema = Schema::new();
    let (store, mut client) = (schema.open().await, connect().await);
    let transaction = client.transaction().await.unwrap();
    store.append_in(&transaction, batch("t", ExpectedVersion::Any, events(1))).await.unwrap();

    let other = {
        let store = store.clone();
        tokio::spawn(async move { store.append(&stream("u"), ExpectedVersion::Any, vec![event(1)]).await })
    };
    let observer = connect().await;
    let waiting = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
        WHERE l.locktype = 'advisory' AND NOT l.granted AND a.query LIKE '%' || $1 || '%'";
    while observer.query_one(waiting, &[&schema.name.as_str()]).await.unwrap().get::<_, i64>(0) == 0 {
        assert!(!other.is_finished(), "it did not wait");
    }
    transaction.commit().await.unwrap();
    let appended = other.await.unwrap().unwrap();
    assert_eq!(appended.first_position, GlobalPosition::new(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_events_hears_at_once_of_what_is_announced() {
    let schema = Schema::new();
    let config = PostgresConfig { poll_interval: Duration::from_secs(3_600), ..schema.config() };
    let (store, mut client) = (schema.open_with(config).await, connect().await);
    let waiting = {
        let store = store.clone();
        tokio::spawn(async move { store.wait_past(GlobalPosition::START).await })
    };
    let transaction = client.transaction().await.unwrap();
    store.append_in(&transaction, batch("t", ExpectedVersion::Any, events(1))).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(store.announce().await.unwrap(), GlobalPosition::new(1));
    let head = timeout(Duration::from_secs(30), waiting).await.unwrap().unwrap().unwrap();
    assert_eq!(head, GlobalPosition::new(1));
}
