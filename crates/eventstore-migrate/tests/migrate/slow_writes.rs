//! Writes that are under way when a switch begins, and snapshots that are saved in its middle.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use eventstore_api::{EventStoreBackend, Result, Snapshot, StreamId};
use eventstore_conformance::intercept::{Call, Intercepted, Interceptor};
use eventstore_memory::InMemoryBackend;
use eventstore_migrate::{Migration, SwitchingBackend};
use futures_util::future::poll_immediate;
use tokio::sync::Notify;

use crate::stores::{append, snapshot, stream};

/// The store in memory, which takes its time for writes, or is told when its snapshots are listed.
#[derive(Clone, Default)]
struct Slow {
    inner: InMemoryBackend,
    is_held: Arc<AtomicBool>,
    goes_on: Arc<Notify>,
    /// Saved there by somebody as soon as the snapshots of this store are listed.
    saved_meanwhile: Option<(Arc<dyn EventStoreBackend>, Snapshot)>,
}

impl Slow {
    fn with_saved_meanwhile(store: impl EventStoreBackend, snapshot: Snapshot) -> Self {
        let store: Arc<dyn EventStoreBackend> = Arc::new(store);
        Self { saved_meanwhile: Some((store, snapshot)), ..Self::default() }
    }
}

#[async_trait]
impl Interceptor for Slow {
    fn store(&self) -> impl EventStoreBackend {
        self.inner.clone()
    }

    async fn each_call<R: Send>(
        &self,
        call: Call,
        answer: impl Future<Output = Result<R>> + Send,
    ) -> Result<R> {
        let is_write = matches!(call, Call::AppendAll | Call::SaveSnapshot);
        if is_write && self.is_held.swap(false, Ordering::SeqCst) {
            self.goes_on.notified().await;
        }
        answer.await
    }

    async fn list_snapshots(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamId>> {
        if let Some((store, snapshot)) = &self.saved_meanwhile {
            store.save_snapshot(snapshot.clone()).await?;
        }
        self.inner.list_snapshots(after, limit).await
    }
}

/// A save that began before the switch, and ends while it is under way, is acknowledged: it is there afterwards.
#[tokio::test]
async fn a_snapshot_whose_save_began_before_the_switch_is_in_the_new_store() {
    let old = Slow::default();
    let store = SwitchingBackend::new(Intercepted(old.clone()));
    append(&store, "a", 1).await;
    old.is_held.store(true, Ordering::SeqCst);
    let saving = tokio::spawn({
        let store = store.clone();
        async move { store.save_snapshot(snapshot("a", 1, "one")).await }
    });
    while old.is_held.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    let mut switch = Box::pin(store.switch_to(InMemoryBackend::new()));
    // Everything in memory is copied, and it waits for the save.
    assert!(poll_immediate(switch.as_mut()).await.is_none());
    old.goes_on.notify_one();
    saving.await.unwrap().unwrap();
    switch.await.unwrap();
    assert_eq!(store.get_latest_snapshot(&stream("a")).await.unwrap(), Some(snapshot("a", 1, "one")));
}

#[tokio::test]
async fn a_switch_says_for_how_long_appends_had_to_wait_also_for_those_under_way() {
    let old = Slow::default();
    let store = SwitchingBackend::new(Intercepted(old.clone()));
    append(&store, "a", 1).await;
    old.is_held.store(true, Ordering::SeqCst);
    let appending = |name| {
        let store = store.clone();
        tokio::spawn(async move { append(&store, name, 1).await })
    };
    let slow = appending("slow");
    while old.is_held.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    let mut switch = Box::pin(store.switch_to(InMemoryBackend::new()));
    assert!(poll_immediate(switch.as_mut()).await.is_none());
    let held_up = appending("held up");
    let patience = Duration::from_millis(200);
    assert!(tokio::time::timeout(patience, switch.as_mut()).await.is_err());
    assert!(!held_up.is_finished());
    old.goes_on.notify_one();
    let switched = switch.await.unwrap();
    slow.await.unwrap();
    held_up.await.unwrap();
    assert!(switched.held_up_for >= patience, "it says {:?}", switched.held_up_for);
}

/// A state whose form has changed is saved again at the version that it has.
#[tokio::test]
async fn a_snapshot_that_is_saved_again_at_its_version_meanwhile_is_no_difference() {
    let old = InMemoryBackend::new();
    append(&old, "a", 1).await;
    old.save_snapshot(snapshot("a", 1, "in its first form")).await.unwrap();
    let again = snapshot("a", 1, "in its second form");
    let new = Intercepted(Slow::with_saved_meanwhile(old.clone(), again));
    let report = Migration::new(&old, &new).run().await.unwrap();
    assert_eq!((report.verified.snapshots, report.verified.snapshots_behind), (0, 1));
}

#[tokio::test]
async fn a_switch_brings_snapshots_too_that_are_saved_again_at_their_version_meanwhile() {
    let store = SwitchingBackend::new(InMemoryBackend::new());
    append(&store, "a", 1).await;
    store.save_snapshot(snapshot("a", 1, "in its first form")).await.unwrap();
    let again = snapshot("a", 1, "in its second form");
    let new = Slow::with_saved_meanwhile(store.clone(), again.clone());
    store.switch_to(Intercepted(new.clone())).await.unwrap();
    assert_eq!(new.inner.get_latest_snapshot(&stream("a")).await.unwrap(), Some(again));
}
