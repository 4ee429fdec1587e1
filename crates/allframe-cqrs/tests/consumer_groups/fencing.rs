//! A member that is cut off from the store for longer than its lease.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use allframe_cqrs::{
    Appended, BackendStats, EventStore, EventStoreBackend, GlobalPosition, InMemoryBackend, ReadAll,
    StoreError, StreamId, StreamRange,
    api::{AppendBatch, Page, Result, Snapshot, StreamPage},
    async_trait,
    consumer_group::{ConsumerGroup, Lag},
    event,
};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Step(u64);

const LEASE: Duration = Duration::from_secs(3);
const LONG: Duration = Duration::from_secs(3_600);

/// A way to a store that can be cut.
#[derive(Clone, Default)]
struct Way {
    inner: InMemoryBackend,
    is_cut: Arc<AtomicBool>,
}

impl Way {
    fn to(inner: &InMemoryBackend) -> Self {
        Self { inner: inner.clone(), is_cut: Arc::default() }
    }

    fn open(&self) -> Result<&InMemoryBackend> {
        match self.is_cut.load(Ordering::SeqCst) {
            true => Err(StoreError::unavailable("the way is cut")),
            false => Ok(&self.inner),
        }
    }
}

#[async_trait]
impl EventStoreBackend for Way {
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        self.open()?.append_all(batch).await
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        self.open()?.read_stream(stream, range).await
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        self.open()?.read_all(query).await
    }

    async fn wait_past(&self, position: GlobalPosition) -> Result<GlobalPosition> {
        self.open()?.wait_past(position).await
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()> {
        self.open()?.save_snapshot(snapshot).await
    }

    async fn get_latest_snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>> {
        self.open()?.get_latest_snapshot(stream).await
    }

    async fn stats(&self) -> Result<BackendStats> {
        self.open()?.stats().await
    }
}

async fn group_by(way: &Way) -> ConsumerGroup<Step, Way> {
    let store = EventStore::<Step, _>::with_backend(way.clone());
    store.consumer_group("steps").with_lease(LEASE).open().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_member_that_was_cut_off_has_lost_its_leases_and_what_it_says_then_counts_for_nothing() {
    let backend = InMemoryBackend::new();
    let store = EventStore::<Step, _>::with_backend(backend.clone());
    store.append("walk", (1..=3).map(Step).collect()).await.unwrap();
    let (cut_off, well) = (Way::to(&backend), Way::to(&backend));

    let mut first = group_by(&cut_off).await.join().unwrap();
    let stale = timeout(LONG, first.next()).await.unwrap().unwrap();
    assert!(stale.event().event == Step(1) && stale.is_current());
    cut_off.is_cut.store(true, Ordering::SeqCst);

    let group = group_by(&well).await;
    let mut second = group.join().unwrap();
    let taken_over = timeout(LONG, second.next()).await.unwrap().unwrap();
    assert!(taken_over.event().event == Step(1) && taken_over.is_current());
    assert!(!stale.is_current(), "two hold the partition of one key");
    taken_over.ack();
    let next = timeout(LONG, second.next()).await.unwrap().unwrap();
    assert_eq!(next.event().event, Step(2));

    // The first comes back, and says that it could not handle what the other has.
    cut_off.is_cut.store(false, Ordering::SeqCst);
    stale.nack("too late");
    next.ack();
    let last = timeout(LONG, second.next()).await.unwrap().unwrap();
    assert_eq!(last.event().event, Step(3));
    last.ack();
    second.close().await.unwrap();

    // Whoever comes now finds everything done, and nothing parked.
    let mut third = group.join().unwrap();
    while !group.status().await.unwrap().iter().all(|partition| partition.lag == Lag::Exactly(0)) {
        let _ = timeout(LEASE, third.next()).await.map(|delivery| panic!("{delivery:?} comes again"));
    }
    assert!(group.parked().await.unwrap().is_empty());
    drop(first);
}

#[tokio::test(start_paused = true)]
async fn a_member_goes_on_after_an_outage_shorter_than_its_lease() {
    let backend = InMemoryBackend::new();
    let store = EventStore::<Step, _>::with_backend(backend.clone());
    store.append("walk", (1..=2).map(Step).collect()).await.unwrap();
    let way = Way::to(&backend);
    let mut member = group_by(&way).await.join().unwrap();
    let first = timeout(LONG, member.next()).await.unwrap().unwrap();
    way.is_cut.store(true, Ordering::SeqCst);
    tokio::time::advance(LEASE / 6).await;
    way.is_cut.store(false, Ordering::SeqCst);
    assert!(first.is_current());
    first.ack();
    let second = timeout(LONG, member.next()).await.unwrap().unwrap();
    assert_eq!((&second.event().event, second.attempt()), (&Step(2), 1));
}
