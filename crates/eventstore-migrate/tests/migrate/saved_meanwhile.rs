//! Snapshots that are saved while a store is switched.

use std::sync::Arc;

use eventstore_api::{EventStoreBackend, message_with_causes};
use eventstore_conformance::intercept::Intercepted;
use eventstore_memory::InMemoryBackend;
use eventstore_migrate::{MigrationError, SwitchingBackend};
use futures_util::future::poll_immediate;

use crate::{
    mid_switch::MidSwitch,
    stores::{append, assert_same, fill, save, stream},
};

/// So many that a switch would rather bring them while appends go on.
const MANY: usize = 300;

async fn save_many(store: &SwitchingBackend) {
    for number in 0..MANY {
        save(store, &format!("meanwhile-{number}"), 1).await;
    }
}

#[tokio::test]
async fn appends_do_not_wait_for_the_snapshots_that_were_saved_while_all_was_copied() {
    let (inner, new) = (InMemoryBackend::new(), InMemoryBackend::new());
    let old = Arc::new(Intercepted(MidSwitch::new(inner.clone())));
    let store = SwitchingBackend::new(Arc::clone(&old));
    append(&store, "a", 1).await;
    let saving = store.clone();
    let target = MidSwitch::new(new.clone()).meanwhile(async move { save_many(&saving).await });
    store.switch_to(Intercepted(target)).await.unwrap();
    assert_eq!(old.snapshots_read_behind_the_flush(), 0);
    assert_eq!(new.list_snapshots(None, 1_000).await.unwrap().len(), MANY);
    assert_same(&inner, &new).await;
}

/// Whoever noted it before it is saved would look for it too early, and never again.
#[tokio::test]
async fn a_snapshot_whose_save_takes_longer_than_the_others_are_copied_is_in_the_new_store() {
    let (inner, new) = (InMemoryBackend::new(), InMemoryBackend::new());
    let old = Arc::new(Intercepted(MidSwitch::new(inner.clone()).slow_with(stream("slow"))));
    let store = SwitchingBackend::new(Arc::clone(&old));
    append(&store, "a", 1).await;
    let saving = store.clone();
    let target = MidSwitch::new(new.clone()).meanwhile(async move {
        let mut slow = Box::pin(save(&saving, "slow", 1));
        assert!(poll_immediate(slow.as_mut()).await.is_none());
        // It goes on also where nobody waits for it.
        drop(slow);
        save_many(&saving).await;
    });
    let mut switch = Box::pin(store.switch_to(Intercepted(target)));
    while new.list_snapshots(None, 1_000).await.unwrap().len() < MANY {
        assert!(poll_immediate(switch.as_mut()).await.is_none());
        tokio::task::yield_now().await;
    }
    assert!(poll_immediate(switch.as_mut()).await.is_none(), "it waits for what is under way");
    old.goes_on.notify_one();
    switch.await.unwrap();
    assert!(new.get_latest_snapshot(&stream("slow")).await.unwrap().is_some());
    assert_same(&inner, &new).await;
}

#[tokio::test]
async fn a_new_store_that_does_not_have_the_snapshots_it_has_taken_is_not_switched_to() {
    let old = InMemoryBackend::new();
    let store = SwitchingBackend::new(old.clone());
    append(&store, "a", 1).await;
    let saving = store.clone();
    let target = MidSwitch::new(InMemoryBackend::new())
        .that_loses_snapshots()
        .meanwhile(async move { save(&saving, "a", 1).await });
    let refused = store.switch_to(Intercepted(target)).await.unwrap_err();
    assert!(matches!(refused, MigrationError::Behind { snapshots_behind: 1, .. }), "{refused:?}");
    assert!(refused.is_retryable());
    insta::assert_snapshot!(message_with_causes(&refused), @"the store to migrate to is behind: it has come to position 1 of 1, and 1 snapshot has not arrived; run it again");
    append(&store, "a", 1).await;
    assert_same(&store, &old).await;
}

/// They are brought while appends go on: whoever looked only at what comes in the last moment would find nothing missing.
#[tokio::test]
async fn snapshots_that_a_new_store_loses_before_the_last_moment_are_missed_there() {
    let old = InMemoryBackend::new();
    let store = SwitchingBackend::new(old.clone());
    append(&store, "a", 1).await;
    let saving = store.clone();
    let target = MidSwitch::new(InMemoryBackend::new())
        .that_loses_snapshots()
        .meanwhile(async move { save_many(&saving).await });
    let refused = store.switch_to(Intercepted(target)).await.unwrap_err();
    let MigrationError::Behind { snapshots_behind, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!(*snapshots_behind, MANY as u64);
    append(&store, "a", 1).await;
    assert_same(&store, &old).await;
}

#[tokio::test]
async fn a_snapshot_that_a_new_store_loses_while_everything_is_brought_is_missed_in_the_last_moment() {
    let old = InMemoryBackend::new();
    let store = SwitchingBackend::new(old.clone());
    fill(&store).await;
    let target = MidSwitch::new(InMemoryBackend::new()).that_loses_snapshots();
    let refused = store.switch_to(Intercepted(target)).await.unwrap_err();
    assert!(matches!(refused, MigrationError::Behind { snapshots_behind: 3, .. }), "{refused:?}");
    append(&store, "a", 1).await;
    assert_same(&store, &old).await;
}

#[tokio::test]
async fn what_a_new_store_loses_once_it_gets_again() {
    // On the page on which everything is brought there are 3. The others are saved meanwhile.
    for lost in [1, 3, 3 + MANY as u64] {
        let (old, new) = (InMemoryBackend::new(), InMemoryBackend::new());
        let store = SwitchingBackend::new(old.clone());
        fill(&store).await;
        let saving = store.clone();
        let target = MidSwitch::new(new.clone())
            .that_loses_the_first_snapshots(lost)
            .meanwhile(async move { save_many(&saving).await });
        store.switch_to(Intercepted(target)).await.unwrap();
        assert_same(&old, &new).await;
    }
}
