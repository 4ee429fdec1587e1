//! Stores that are closed, before a switch or in its middle.

use std::sync::Arc;

use eventstore_api::{EventStoreBackend, ExpectedVersion, GlobalPosition, StoreError};
use eventstore_memory::InMemoryBackend;
use eventstore_migrate::{MigrationError, SwitchingBackend};
use eventstore_wal::WalBackend;
use tokio::sync::Notify;

use crate::{
    faulty::{Faulty, Flush},
    stores::{append, assert_same, event, fill, stream},
};

#[tokio::test]
async fn a_store_that_was_closed_is_not_switched() {
    let store = SwitchingBackend::new(InMemoryBackend::new());
    fill(&store).await;
    store.close().await.unwrap();
    let refused = store.switch_to(InMemoryBackend::new()).await;
    assert!(matches!(refused, Err(MigrationError::Source(StoreError::Closed))), "{refused:?}");
}

/// Closes a store while a switch brings what is in it, and lets the switch go on.
async fn close_in_a_switch(old: impl EventStoreBackend, new: &InMemoryBackend) -> SwitchingBackend {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let store = SwitchingBackend::new(old);
    fill(&store).await;
    let switching = tokio::spawn({
        let target = Faulty::that_waits_in(Flush::OfThePage, new, &begun, &go_on);
        let store = store.clone();
        async move { store.switch_to(target).await }
    });
    begun.notified().await;
    store.close().await.unwrap();
    go_on.notify_one();
    let refused = switching.await.unwrap();
    assert!(matches!(refused, Err(MigrationError::Source(StoreError::Closed))), "{refused:?}");
    store
}

#[tokio::test]
async fn a_store_that_is_closed_in_a_switch_is_not_open_behind_it() {
    let directory = tempfile::tempdir().unwrap();
    let old = WalBackend::production(directory.path()).unwrap();
    let store = close_in_a_switch(old, &InMemoryBackend::new()).await;
    let refused = store.append(&stream("a"), ExpectedVersion::Any, vec![event("late")]).await;
    assert!(matches!(refused, Err(StoreError::Closed)), "{refused:?}");
}

/// It answers all the same: all that is wrong with it is that it was closed.
#[tokio::test]
async fn a_store_that_is_closed_in_a_switch_is_not_left_for_the_new_one() {
    let (old, new) = (InMemoryBackend::new(), InMemoryBackend::new());
    let store = close_in_a_switch(old.clone(), &new).await;
    append(&store, "late", 1).await;
    assert_same(&store, &old).await;
    assert!(new.get_events(&stream("late")).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_store_that_is_closed_stays_closed() {
    let directory = tempfile::tempdir().unwrap();
    let store = SwitchingBackend::new(WalBackend::production(directory.path()).unwrap());
    store.close().await.unwrap();
    assert!(matches!(store.wait_past(GlobalPosition::START).await, Err(StoreError::Closed)));
    let refused = store.append(&stream("a"), ExpectedVersion::Any, vec![event("late")]).await;
    assert!(matches!(refused, Err(StoreError::Closed)), "{refused:?}");
}
