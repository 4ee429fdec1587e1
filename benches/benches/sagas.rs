//! How many sagas of three steps go through a second, and what 100,000 of them cost that wait.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench whose work fails measures nothing")]
#![allow(clippy::print_stdout, reason = "what criterion does not measure is printed")]

use std::{
    fs,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use allframe_cqrs::{
    Backoff, EventStore, EventStoreBackend, InMemoryBackend, Timestamp, event,
    saga::{SagaDefinition, SagaOrchestrator, SagaStep, StepContext, StepError},
};
use criterion::{Criterion, criterion_group, criterion_main};
use eventstore_benches::{median, runtime};
use eventstore_wal::WalBackend;
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Serialize, Deserialize)]
struct Nothing {}

/// What each saga is begun with.
#[derive(Clone, Serialize, Deserialize)]
struct Order {
    customer: String,
    amount: u64,
}

fn order() -> Order {
    Order { customer: "ann".to_owned(), amount: 42 }
}

/// Each step takes what the one before it has answered.
fn three_steps() -> SagaDefinition<Order> {
    let step = |name: &'static str, before: Option<&'static str>| {
        SagaStep::new(name, move |context: StepContext<Order>| async move {
            let sum: u64 = match before {
                Some(step) => context.output(step)?,
                None => context.input().amount,
            };
            Ok::<_, StepError>(sum + 1)
        })
        .compensate(|_, _| async { Ok(()) })
    };
    SagaDefinition::new("order")
        .then(step("reserve", None))
        .then(step("pay", Some("reserve")))
        .then(step("ship", Some("pay")))
}

/// How long so many sagas take, so many at a time.
async fn run<B: EventStoreBackend>(store: &EventStore<Nothing, B>, in_flight: u64, sagas: u64) -> Duration {
    static ROUND: AtomicU64 = AtomicU64::new(0);
    let round = ROUND.fetch_add(1, Ordering::Relaxed);
    let orchestrator = SagaOrchestrator::builder(store).saga(three_steps()).open().await.unwrap();
    let next = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let tasks: Vec<_> = (0..in_flight)
        .map(|_| {
            let (orchestrator, next) = (orchestrator.clone(), Arc::clone(&next));
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= sagas {
                        return;
                    }
                    let outcome =
                        orchestrator.run("order", &format!("{round}-{number}"), &order()).await.unwrap();
                    assert!(outcome.is_completed());
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let took = begun.elapsed();
    orchestrator.close().await;
    took
}

fn rate(sagas: u64, took: Duration) -> f64 {
    sagas as f64 / took.as_secs_f64()
}

fn throughput(_criterion: &mut Criterion) {
    let runtime = runtime();
    let (memory, durable) = (40_000, 20_000);
    let mut rates = Vec::new();
    for _ in 0..5 {
        let store = EventStore::<Nothing>::with_backend(InMemoryBackend::new());
        rates.push(rate(memory, runtime.block_on(run(&store, 64, memory))));
    }
    println!("sagas of three steps, in memory, 64 in flight: {:.0}/s", median(rates.into_iter()));
    let mut rates = Vec::new();
    for _ in 0..5 {
        let directory = tempfile::tempdir().unwrap();
        let store = EventStore::<Nothing, _>::with_backend(WalBackend::production(directory.path()).unwrap());
        rates.push(rate(durable, runtime.block_on(run(&store, 64, durable))));
    }
    println!("sagas of three steps, durable, 64 in flight: {:.0}/s", median(rates.into_iter()));
}

/// The memory of this process, in MB.
fn resident() -> f64 {
    let pages: f64 =
        fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096.0 / 1e6
}

/// Sagas whose second step is to be tried again in a day.
fn waiting() -> SagaDefinition<Order> {
    SagaDefinition::new("order")
        .then(SagaStep::new("reserve", |_: StepContext<Order>| async { Ok::<_, StepError>(1_u64) }))
        .then(
            SagaStep::new("pay", |_: StepContext<Order>| async {
                Err::<(), _>(StepError::retryable("not today").with_retry_after(Duration::from_secs(86_400)))
            })
            .with_backoff(Backoff::none()),
        )
}

fn those_that_wait(_criterion: &mut Criterion) {
    const WAITING: usize = 100_000;
    let runtime = runtime();
    let directory = tempfile::tempdir().unwrap();
    let open = |store: &EventStore<Nothing, WalBackend>| {
        SagaOrchestrator::builder(store)
            .saga(waiting())
            .with_worker_name("only")
            .with_max_driven(NonZeroUsize::new(1024).unwrap())
            .open()
    };
    // What was dropped in the middle lets go of the directory a moment later.
    let store = || loop {
        match WalBackend::production(directory.path()) {
            Ok(backend) => break EventStore::<Nothing, _>::with_backend(backend),
            Err(error) => assert!(error.is_retryable(), "{error}"),
        }
    };
    runtime.block_on(async {
        let store = store();
        let empty = resident();
        let sagas = open(&store).await.unwrap();
        let begun = Instant::now();
        let tasks: Vec<_> = (0..64)
            .map(|task| {
                let sagas = sagas.clone();
                tokio::spawn(async move {
                    for number in (task..WAITING).step_by(64) {
                        sagas.start("order", &number.to_string(), &order()).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        loop {
            let waiting = sagas.sagas().list(|saga| saga.due > Some(Timestamp::now())).await.unwrap().len();
            if waiting == WAITING {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        println!("{WAITING} sagas came to wait in {:.1} s", begun.elapsed().as_secs_f64());
        println!(
            "they cost {:.0} MB where they were begun, what was needed to begin them with them",
            resident() - empty
        );
        // Without the snapshot that `close` keeps: as after a kill.
        drop(sagas);
        drop(store);
    });
    for kept in [false, true] {
        runtime.block_on(async {
            let store = store();
            let begun = Instant::now();
            let sagas = open(&store).await.unwrap();
            let took = begun.elapsed();
            println!(
                "a start with them, {}: {:.2} s",
                if kept { "from the index that was kept" } else { "from the events" },
                took.as_secs_f64()
            );
            sagas.close().await;
        });
    }
}

criterion_group!(benches, throughput, those_that_wait);
criterion_main!(benches);
