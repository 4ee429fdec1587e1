//! The connection is cut while an append is on its way.

use eventstore_api::{EventStoreBackend, ExpectedVersion, StoreError};
use eventstore_postgres::PostgresBackend;
use postgres_cluster::Cluster;

use crate::{
    config,
    proxy::{Fault, MARK, Proxy},
    support::{
        events::stream,
        outcome::{append, cause, event, in_time, payloads},
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn an_append_whose_answer_is_lost_is_settled_by_appending_it_again() {
    let cluster = Cluster::start().unwrap();
    let proxy = Proxy::before(&cluster).await;
    let store = PostgresBackend::with_config(&proxy.url(), config()).await.unwrap();
    append(&store, "account-1", &event("before")).await.unwrap();

    proxy.set(Fault::CutAfter);
    let marked = event(MARK);
    let exactly = ExpectedVersion::Exact(eventstore_api::Version::new(1));
    let ask = || async { in_time(store.append(&stream("account-1"), exactly, vec![marked.clone()])).await };
    let error = ask().await.unwrap_err();
    assert!(matches!(error, StoreError::OutcomeUnknown { .. }), "{error:?}");
    assert!(!error.outcome_is_known() && error.is_retryable());
    let _: &eventstore_postgres::PostgresError = cause(&error);
    // It had happened, which is what nobody could tell.
    assert_eq!(payloads(&store, "account-1").await, ["before", MARK]);

    // The guard does not hold any more, and need not: it is known.
    let appended = ask().await.unwrap();
    assert_eq!((appended.first_version.get(), appended.last_position.get()), (2, 2));
    assert_eq!(payloads(&store, "account-1").await, ["before", MARK]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_never_reached_the_server_is_settled_by_appending_it_again() {
    let cluster = Cluster::start().unwrap();
    let proxy = Proxy::before(&cluster).await;
    let store = PostgresBackend::with_config(&proxy.url(), config()).await.unwrap();
    append(&store, "account-1", &event("before")).await.unwrap();

    proxy.set(Fault::CutBefore);
    let marked = event(MARK);
    let error = append(&store, "account-1", &marked).await.unwrap_err();
    assert!(matches!(error, StoreError::OutcomeUnknown { .. }), "{error:?}");
    assert_eq!(payloads(&store, "account-1").await, ["before"]);

    let appended = append(&store, "account-1", &marked).await.unwrap();
    assert_eq!((appended.first_version.get(), appended.last_position.get()), (2, 2));
    assert_eq!(payloads(&store, "account-1").await, ["before", MARK]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_who_went_together_are_told_that_nobody_knows_and_all_are_settled() {
    let cluster = Cluster::start().unwrap();
    let proxy = Proxy::before(&cluster).await;
    let store = PostgresBackend::with_config(&proxy.url(), config()).await.unwrap();
    append(&store, "first", &event("warm")).await.unwrap();

    proxy.set(Fault::CutAfter);
    let events: Vec<_> = (0..20).map(|number| (format!("account-{number}"), event(MARK))).collect();
    let appends = events.iter().map(|(name, event)| append(&store, name, event));
    let outcomes = futures_util::future::join_all(appends).await;
    let unknown = outcomes.iter().filter(|it| matches!(it, Err(StoreError::OutcomeUnknown { .. }))).count();
    assert!(unknown >= 1, "one connection was cut: {outcomes:?}");
    assert!(outcomes.iter().all(|it| it.is_ok() || matches!(it, Err(StoreError::OutcomeUnknown { .. }))));

    for (name, event) in &events {
        append(&store, name, event).await.unwrap();
        assert_eq!(payloads(&store, name).await, [MARK]);
    }
    assert_eq!(in_time(store.stats()).await.unwrap().total_events, 21);
}
