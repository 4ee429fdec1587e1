//! Switches among writers, in many orders: every call of either store takes a while before it does anything, and after.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use eventstore_api::{EventStoreBackend, ExpectedVersion, Result, StoreError, StreamId, Version};
use eventstore_conformance::intercept::{Call, Intercepted, Interceptor};
use eventstore_memory::InMemoryBackend;
use eventstore_migrate::{Migration, SwitchingBackend};
use fastrand::Rng;

use crate::stores::{append, assert_same, event, save, snapshot, stream};

/// Numbers that follow from a seed, for all who share it.
#[derive(Clone)]
struct Chance(Arc<Mutex<Rng>>);

impl Chance {
    fn of(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Rng::with_seed(seed))))
    }

    fn below(&self, limit: u64) -> u64 {
        self.0.lock().unwrap().u64(..limit)
    }

    async fn dawdle(&self) {
        for _ in 0..self.below(6) {
            tokio::task::yield_now().await;
        }
    }
}

/// The store in memory, whose calls take a while, and of which one may fail.
struct Dawdling {
    inner: InMemoryBackend,
    chance: Chance,
    /// This call fails, and no other.
    fails_at: Option<u64>,
    calls: AtomicU64,
}

impl Dawdling {
    fn with(chance: &Chance, fails_at: Option<u64>) -> Intercepted<Self> {
        let (inner, calls) = (InMemoryBackend::new(), AtomicU64::new(0));
        Intercepted(Self { inner, chance: chance.clone(), fails_at, calls })
    }
}

#[async_trait]
impl Interceptor for Dawdling {
    fn store(&self) -> impl EventStoreBackend {
        self.inner.clone()
    }

    async fn each_call<R: Send>(
        &self,
        call: Call,
        answer: impl Future<Output = Result<R>> + Send,
    ) -> Result<R> {
        if call == Call::WaitPast {
            return answer.await;
        }
        self.chance.dawdle().await;
        let fails = self.fails_at == Some(self.calls.fetch_add(1, Ordering::SeqCst));
        if fails && self.chance.below(2) == 0 {
            return Err(StoreError::unavailable("it is away"));
        }
        let answer = answer.await;
        self.chance.dawdle().await;
        match call {
            _ if !fails => answer,
            Call::AppendAll | Call::SaveSnapshot | Call::Restore | Call::Flush => {
                Err(StoreError::outcome_unknown("the answer is lost"))
            }
            _ => Err(StoreError::unavailable("it is away")),
        }
    }
}

/// Writes until it is over: repeats what has failed, drops every few futures, and saves a snapshot behind some appends. How many
/// events were acknowledged, and which snapshots.
async fn write(
    store: SwitchingBackend,
    name: StreamId,
    chance: Chance,
    over: Arc<AtomicBool>,
) -> (u64, Vec<StreamId>) {
    let (mut version, mut saved) = (0, Vec::new());
    while !over.load(Ordering::SeqCst) {
        let events = vec![event("once")];
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
            let snapshot = snapshot(&format!("{name} at {version}"), version, "state");
            let of = snapshot.stream.clone();
            if store.save_snapshot(snapshot).await.is_ok() {
                saved.push(of);
            }
        }
        chance.dawdle().await;
    }
    (version, saved)
}

async fn switches(seed: u64, one_call_fails: bool) {
    let chance = Chance::of(seed);
    let store = SwitchingBackend::new(Dawdling::with(&chance, None));
    let over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..3)
        .map(|who| {
            let name = stream(&format!("s-{who}"));
            tokio::spawn(write(store.clone(), name, chance.clone(), Arc::clone(&over)))
        })
        .collect();
    for _ in 0..40 {
        tokio::task::yield_now().await;
    }
    for _ in 0..2 {
        let fails_at = one_call_fails.then(|| chance.below(300));
        let target = Arc::new(Dawdling::with(&chance, fails_at));
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
                    let chance = Chance::of(at);
                    let old = Dawdling::with(&chance, of_source.then_some(at));
                    let new = Dawdling::with(&chance, (!of_source).then_some(at));
                    for number in 0..9 {
                        let name = format!("s-{}", number % 2);
                        append(&old.inner, &name, 1).await;
                        save(&old.inner, &name, number).await;
                    }
                    let first = Migration::new(&old, &new).page_events(page).page_bytes(0).run().await;
                    let is_over = first.is_ok();
                    if let Err(error) = first {
                        assert!(error.is_retryable(), "{error:?}");
                        Migration::new(&old, &new).page_events(page).run().await.unwrap();
                    }
                    assert_same(&old.inner, &new.inner).await;
                    let calls = if of_source { &old.calls } else { &new.calls };
                    if is_over && calls.load(Ordering::SeqCst) <= at {
                        break;
                    }
                }
            }
        }
    });
}
