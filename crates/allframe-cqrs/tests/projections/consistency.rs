//! What a reader may rely on.

use std::num::NonZeroUsize;

use allframe_cqrs::{
    Aggregate, Consistency, EventStore, ExpectedVersion, ProjectionError, ProjectionRegistry, Registration,
    Repository,
};

use crate::ledger::{Balances, Entry, Fragile, SOON, append, deposit};

async fn with(consistency: Consistency) -> (EventStore<Entry>, ProjectionRegistry<Entry>) {
    let store = EventStore::new();
    let registry = ProjectionRegistry::new(store.clone());
    let balances = Registration::in_memory("balances", Balances::default).with_consistency(consistency);
    registry.add(balances).await.unwrap();
    (store, registry)
}

async fn balance(registry: &ProjectionRegistry<Entry>) -> i64 {
    registry.get::<Balances>().await.unwrap().accounts["account-1"]
}

#[tokio::test]
async fn who_reads_his_writes_sees_each_of_them_at_once() {
    let (store, registry) = with(Consistency::ReadYourWrites).await;
    for written in 1..=200 {
        deposit(&store, "account-1", 1).await;
        assert_eq!(balance(&registry).await, written);
    }
}

#[tokio::test]
async fn who_reads_his_writes_of_a_projection_that_stands_still_is_told_so() {
    let (store, registry) = with(Consistency::ReadYourWrites).await;
    deposit(&store, "account-1", 1).await;
    assert_eq!(balance(&registry).await, 1);
    registry.pause("balances").await.unwrap();
    assert_eq!(balance(&registry).await, 1);
    deposit(&store, "account-1", 1).await;
    let error = registry.get::<Balances>().await.unwrap_err();
    assert!(matches!(error, ProjectionError::Paused { .. }), "{error:?}");
}

#[tokio::test]
async fn an_inline_projection_has_applied_what_an_append_has_answered() {
    let (store, registry) = with(Consistency::Inline).await;
    let state = registry.handle::<Balances>().unwrap();
    for written in 1..=200 {
        let position = deposit(&store, "account-1", 1).await;
        let view = state.read().await.unwrap();
        assert!(view.accounts["account-1"] == written && view.position() >= position);
    }
}

#[tokio::test]
async fn batches_repositories_and_older_clones_of_the_store_wait_for_inline_projections_too() {
    #[derive(Clone, Default)]
    struct Account;
    impl Aggregate for Account {
        type Event = Entry;
        fn apply_event(&mut self, _event: &Entry) {}
    }

    let store = EventStore::new();
    let (older, accounts) = (store.clone(), Repository::<Account>::new(store.clone()));
    let accounts = accounts.with_cache(NonZeroUsize::MIN);
    let registry = ProjectionRegistry::new(store);
    let inline = Registration::in_memory("balances", Balances::default).with_consistency(Consistency::Inline);
    registry.add(inline).await.unwrap();

    older
        .batch()
        .append("account-1", ExpectedVersion::Any, [Entry::Deposited { amount: 1 }])
        .commit()
        .await
        .unwrap();
    assert_eq!(balance(&registry).await, 1);
    let decided =
        accounts.execute("account-1", |_| Ok::<_, String>(vec![Entry::Deposited { amount: 1 }])).await;
    assert!(decided.is_ok());
    assert_eq!(balance(&registry).await, 2);
}

#[tokio::test]
async fn an_append_does_not_wait_for_an_inline_projection_that_has_stopped_or_is_paused() {
    let store = EventStore::new();
    let registry = ProjectionRegistry::new(store.clone());
    let fragile = Registration::in_memory("fragile", Fragile::default)
        .with_consistency(Consistency::Inline)
        .with_faults(allframe_cqrs::FaultPolicy::stop().with_attempts(1));
    registry.add(fragile).await.unwrap();
    append(&store, "account-1", Entry::Cursed).await;
    deposit(&store, "account-1", 1).await;
    let error = registry.wait_until_caught_up(SOON).await.unwrap_err();
    assert!(matches!(error, ProjectionError::Stopped { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_look_is_at_the_state_after_exactly_the_events_up_to_its_position() {
    let (store, registry) = with(Consistency::Eventual).await;
    let handle = registry.handle::<Balances>().unwrap();
    let writing = tokio::spawn(async move {
        for _ in 0..2_000 {
            deposit(&store, "account-1", 1).await;
        }
    });
    loop {
        let done = writing.is_finished();
        let view = handle.read().await.unwrap();
        let balance = view.accounts.get("account-1").copied().unwrap_or_default();
        assert_eq!(u64::try_from(balance).unwrap(), view.position().get());
        drop(view);
        if done {
            break;
        }
        tokio::task::yield_now().await;
    }
    writing.await.unwrap();
}
