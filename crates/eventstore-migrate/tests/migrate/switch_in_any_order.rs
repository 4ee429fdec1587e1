//! Switches among writers, in many orders: every call of either store takes a while before it does anything, and after.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use eventstore_api::{
    AppendBatch, Appended, BackendStats, EventStoreBackend, EventType, ExpectedVersion, GlobalPosition,
    NewEvent, Page, ReadAll, RecordedEvent, Result, Snapshot, StoreError, StreamId, StreamPage, StreamRange,
    Version,
};
use eventstore_memory::InMemoryBackend;
use eventstore_migrate::{Migration, SwitchingBackend};

/// Numbers that are the same for the same seed.
#[derive(Default)]
struct Chance(AtomicU64);

impl Chance {
    fn below(&self, limit: u64) -> u64 {
        let next = self
            .0
            .load(Ordering::SeqCst)
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0.store(next, Ordering::SeqCst);
        (next >> 33) % limit
    }

    async fn dawdle(&self) {
        for _ in 0..self.below(6) {
            tokio::task::yield_now().await;
        }
    }
}

/// The store in memory, whose calls take a while, and of which some fail.
#[derive(Clone, Default)]
struct Dawdling {
    inner: InMemoryBackend,
    chance: Arc<Chance>,
    /// This call fails, and no other.
    fails_at: Option<u64>,
    calls: Arc<AtomicU64>,
}

impl Dawdling {
    fn new(chance: &Arc<Chance>) -> Self {
        Self { chance: Arc::clone(chance), ..Self::default() }
    }

    async fn of<T>(&self, call: impl Future<Output = Result<T>>, is_write: bool) -> Result<T> {
        self.chance.dawdle().await;
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        let fails = self.fails_at == Some(number);
        if fails && self.chance.below(2) == 0 {
            return Err(StoreError::unavailable("it is away"));
        }
        let answer = call.await;
        self.chance.dawdle().await;
        match fails {
            true if is_write => Err(StoreError::outcome_unknown("the answer is lost")),
            true => Err(StoreError::unavailable("it is away")),
            false => answer,
        }
    }
}

#[async_trait]
impl EventStoreBackend for Dawdling {
    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        self.of(self.inner.append_all(batch), true).await
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> Result<StreamPage> {
        self.of(self.inner.read_stream(stream, range), false).await
    }

    async fn read_all(&self, query: &ReadAll) -> Result<Page> {
        self.of(self.inner.read_all(query), false).await
    }

    async fn wait_past(&self, position: GlobalPosition) -> Result<GlobalPosition> {
        self.inner.wait_past(position).await
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<()> {
        self.of(self.inner.save_snapshot(snapshot), true).await
    }

    async fn get_latest_snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>> {
        self.of(self.inner.get_latest_snapshot(stream), false).await
    }

    async fn list_snapshots(&self, after: Option<&StreamId>, limit: usize) -> Result<Vec<StreamId>> {
        self.of(self.inner.list_snapshots(after, limit), false).await
    }

    async fn restore(&self, events: Vec<RecordedEvent>) -> Result<()> {
        self.of(self.inner.restore(events), true).await
    }

    async fn stats(&self) -> Result<BackendStats> {
        self.of(self.inner.stats(), false).await
    }

    async fn flush(&self) -> Result<()> {
        self.of(self.inner.flush(), true).await
    }
}

fn stream(name: &str) -> StreamId {
    StreamId::new(name.to_owned()).unwrap()
}

fn event() -> NewEvent {
    NewEvent::new(EventType::new("Happened").unwrap(), "x")
}

/// Writes until it is over: repeats what has failed, drops every few futures, and saves a snapshot behind some appends. How many
/// events were acknowledged, and which snapshots.
async fn write(
    store: SwitchingBackend,
    name: StreamId,
    chance: Arc<Chance>,
    over: Arc<AtomicBool>,
) -> (u64, Vec<StreamId>) {
    let (mut version, mut saved) = (0, Vec::new());
    while !over.load(Ordering::SeqCst) {
        let events = vec![event(); 1];
        if chance.below(5) == 0 {
            let dropped = store.append(&name, ExpectedVersion::Exact(Version::new(version)), events.clone());
            let mut dropped = Box::pin(dropped);
            for _ in 0..chance.below(4) {
                if futures_util::future::poll_immediate(dropped.as_mut()).await.is_some() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        // Whatever became of it, it is there once when this is acknowledged.
        while store
            .append(&name, ExpectedVersion::Exact(Version::new(version)), events.clone())
            .await
            .is_err()
        {}
        version += 1;
        if chance.below(3) == 0 {
            let state = EventType::new("State").unwrap();
            let of = stream(&format!("{name} at {version}"));
            let snapshot = Snapshot::new(of.clone(), Version::new(version), state, version.to_string());
            if store.save_snapshot(snapshot).await.is_ok() {
                saved.push(of);
            }
        }
        chance.dawdle().await;
    }
    (version, saved)
}

async fn switches(seed: u64, one_call_fails: bool) {
    let chance = Arc::new(Chance(AtomicU64::new(seed)));
    let store = SwitchingBackend::new(Dawdling::new(&chance));
    let over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..3)
        .map(|who| {
            let name = stream(&format!("s-{who}"));
            tokio::spawn(write(store.clone(), name, Arc::clone(&chance), Arc::clone(&over)))
        })
        .collect();
    for _ in 0..40 {
        tokio::task::yield_now().await;
    }
    for _ in 0..2 {
        let fails_at = one_call_fails.then(|| chance.below(300));
        let target = Dawdling { fails_at, ..Dawdling::new(&chance) };
        let target = Arc::new(target);
        while let Err(error) = store.switch_to(Arc::clone(&target)).await {
            assert!(error.is_retryable(), "seed {seed}: {error:?}");
        }
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
    over.store(true, Ordering::SeqCst);
    let mut written = HashMap::new();
    for (who, writer) in writers.into_iter().enumerate() {
        written.insert(stream(&format!("s-{who}")), writer.await.unwrap());
    }
    let total: u64 = written.values().map(|(version, _)| version).sum();
    let retry = async || loop {
        if let Ok(all) = store.get_all_events().await {
            return all;
        }
    };
    let all = retry().await;
    let mut versions: HashMap<StreamId, u64> = HashMap::new();
    for (position, event) in (1..).zip(&all) {
        assert_eq!(event.position.get(), position, "seed {seed}");
        *versions.entry(event.stream.clone()).or_default() += 1;
        assert_eq!(event.version.get(), versions[&event.stream], "seed {seed}");
    }
    // What was dropped last may be there, and may not.
    assert!((total..=total + 3).contains(&(all.len() as u64)), "seed {seed}: {} of {total}", all.len());
    for name in written.into_values().flat_map(|(_, saved)| saved) {
        let found = loop {
            if let Ok(found) = store.get_latest_snapshot(&name).await {
                break found;
            }
        };
        assert!(found.is_some(), "seed {seed}: the snapshot of `{name}` was saved, and is not there");
    }
}

fn with_seeds(run: impl AsyncFn(u64)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let wrong = Mutex::new(Vec::new());
    for seed in 0..100 {
        runtime.block_on(async {
            let limit = std::time::Duration::from_secs(20);
            let run = std::panic::AssertUnwindSafe(tokio::time::timeout(limit, run(seed)));
            match futures_util::FutureExt::catch_unwind(run).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => wrong.lock().unwrap().push(format!("{seed} hangs")),
                Err(_) => wrong.lock().unwrap().push(format!("{seed} fails")),
            }
        });
    }
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} seeds: {wrong:?}", wrong.len());
}

#[test]
fn whatever_the_order_a_switch_loses_nothing_that_was_acknowledged() {
    with_seeds(async |seed| switches(seed, false).await);
}

#[test]
fn nor_where_the_new_store_fails_once() {
    with_seeds(async |seed| switches(seed, true).await);
}

/// Each call of the one or the other store fails once.
#[test]
fn wherever_a_migration_fails_the_next_run_ends_with_a_copy() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        for page in [1, 3, usize::MAX] {
            for of_source in [true, false] {
                for at in 0.. {
                    let chance = Arc::new(Chance(AtomicU64::new(at)));
                    let (mut old, mut new) = (Dawdling::new(&chance), Dawdling::new(&chance));
                    for number in 0..9_u64 {
                        let name = stream(&format!("s-{}", number % 2));
                        old.inner.append(&name, ExpectedVersion::Any, vec![event()]).await.unwrap();
                        let state = EventType::new("State").unwrap();
                        let snapshot = Snapshot::new(name, Version::new(number), state, "x");
                        old.inner.save_snapshot(snapshot).await.unwrap();
                    }
                    *(if of_source { &mut old.fails_at } else { &mut new.fails_at }) = Some(at);
                    let first = Migration::new(&old, &new).page_events(page).page_bytes(0).run().await;
                    let is_over = first.is_ok();
                    if let Err(error) = first {
                        assert!(error.is_retryable(), "{error:?}");
                        Migration::new(&old, &new).page_events(page).run().await.unwrap();
                    }
                    let (from, to) = (
                        old.inner.get_all_events().await.unwrap(),
                        new.inner.get_all_events().await.unwrap(),
                    );
                    assert_eq!(from, to);
                    for name in ["s-0", "s-1"] {
                        let from = old.inner.get_latest_snapshot(&stream(name)).await.unwrap();
                        assert_eq!(from, new.inner.get_latest_snapshot(&stream(name)).await.unwrap());
                    }
                    let calls = if of_source { &old.calls } else { &new.calls };
                    if is_over && calls.load(Ordering::SeqCst) <= at {
                        break;
                    }
                }
            }
        }
    });
}
