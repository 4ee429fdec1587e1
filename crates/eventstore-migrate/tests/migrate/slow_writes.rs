//! Writes that are under way when a switch begins, and snapshots that are saved in its middle.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use eventstore_api::{
    AppendBatch, Appended, BackendStats, EventStoreBackend, EventType, ExpectedVersion, GlobalPosition,
    NewEvent, Page, ReadAll, RecordedEvent, Result, Snapshot, StreamId, StreamPage, StreamRange, Version,
};
use eventstore_memory::InMemoryBackend;
use eventstore_migrate::{Migration, SwitchingBackend};
use futures_util::future::poll_immediate;
use tokio::sync::Notify;

fn stream(name: &str) -> StreamId {
    StreamId::new(name.to_owned()).unwrap()
}

fn event() -> NewEvent {
    NewEvent::new(EventType::new("Happened").unwrap(), "x")
}

fn snapshot(name: &str, version: u64, state: &str) -> Snapshot {
    Snapshot::new(stream(name), Version::new(version), EventType::new("State").unwrap(), state.to_owned())
}

/// The store in memory, which takes its time for writes, or is told when its snapshots are listed.
#[derive(Clone, Default)]
struct Slow {
    inner: InMemoryBackend,
    is_held: Arc<AtomicBool>,
    goes_on: Arc<Notify>,
    /// Saved again by somebody as soon as the snapshots of this store are listed.
    saved_meanwhile: Option<(InMemoryBackend, Snapshot)>,
}

impl Slow {
    async fn wait(&self) {
        if self.is_held.swap(false, Ordering::SeqCst) {
            self.goes_on.notified().await;
        }
    }
}

#[async_trait]
impl EventStoreBackend for Slow {
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        self.wait().await;
        self.inner.append_all(batch).await
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        self.inner.read_stream(stream, range).await
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        self.inner.read_all(query).await
    }

    async fn wait_past(&self, position: GlobalPosition) -> Result<GlobalPosition> {
        self.inner.wait_past(position).await
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()> {
        self.wait().await;
        self.inner.save_snapshot(snapshot).await
    }

    async fn get_latest_snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>> {
        self.inner.get_latest_snapshot(stream).await
    }

    async fn list_snapshots(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamId>> {
        if let Some((store, snapshot)) = &self.saved_meanwhile {
            store.save_snapshot(snapshot.clone()).await?;
        }
        self.inner.list_snapshots(after, limit).await
    }

    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()> {
        self.inner.restore(events).await
    }

    async fn stats(&self) -> Result<BackendStats> {
        self.inner.stats().await
    }
}

/// A save that began before the switch, and ends while it is under way, is acknowledged: it is there afterwards.
#[tokio::test]
async fn a_snapshot_whose_save_began_before_the_switch_is_in_the_new_store() {
    let old = Slow::default();
    let store = SwitchingBackend::new(old.clone());
    store.append(&stream("a"), ExpectedVersion::Any, vec![event()]).await.unwrap();
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
    let store = SwitchingBackend::new(old.clone());
    store.append(&stream("a"), ExpectedVersion::Any, vec![event()]).await.unwrap();
    old.is_held.store(true, Ordering::SeqCst);
    let append = |name| {
        let store = store.clone();
        tokio::spawn(async move { store.append(&stream(name), ExpectedVersion::Any, vec![event()]).await })
    };
    let slow = append("slow");
    while old.is_held.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    let mut switch = Box::pin(store.switch_to(InMemoryBackend::new()));
    assert!(poll_immediate(switch.as_mut()).await.is_none());
    let held_up = append("held up");
    let patience = Duration::from_millis(200);
    assert!(tokio::time::timeout(patience, switch.as_mut()).await.is_err());
    assert!(!held_up.is_finished());
    old.goes_on.notify_one();
    let switched = switch.await.unwrap();
    slow.await.unwrap().unwrap();
    held_up.await.unwrap().unwrap();
    assert!(switched.held_up_for >= patience, "it says {:?}", switched.held_up_for);
}

/// A state whose form has changed is saved again at the version that it has.
#[tokio::test]
async fn a_snapshot_that_is_saved_again_at_its_version_meanwhile_is_no_difference() {
    let old = InMemoryBackend::new();
    old.append(&stream("a"), ExpectedVersion::Any, vec![event()]).await.unwrap();
    old.save_snapshot(snapshot("a", 1, "in its first form")).await.unwrap();
    let again = snapshot("a", 1, "in its second form");
    let new = Slow { saved_meanwhile: Some((old.clone(), again)), ..Slow::default() };
    Migration::new(&old, &new).run().await.unwrap();
}

#[tokio::test]
async fn a_switch_goes_through_while_snapshots_are_saved_again_at_their_version() {
    let old = InMemoryBackend::new();
    let again = snapshot("a", 1, "in its second form");
    let new = Slow { saved_meanwhile: Some((old.clone(), again.clone())), ..Slow::default() };
    let store = SwitchingBackend::new(old);
    store.append(&stream("a"), ExpectedVersion::Any, vec![event()]).await.unwrap();
    store.save_snapshot(snapshot("a", 1, "in its first form")).await.unwrap();
    store.switch_to(new).await.unwrap();
}
