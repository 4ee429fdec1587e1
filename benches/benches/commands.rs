//! What a command costs on its way to its handler, and how many go through a second.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench whose work fails measures nothing")]
#![allow(clippy::print_stdout, reason = "what criterion does not measure is printed")]

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use allframe_cqrs::{Aggregate, CommandBus, EventStore, EventStoreBackend, command, command_handler, event};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use eventstore_benches::{median, runtime};
use eventstore_wal::{Durability, WalBackend, WalConfig};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

#[event]
#[derive(Clone, Serialize, Deserialize)]
enum AccountEvent {
    Deposited { amount: u64 },
}

#[derive(Default)]
struct Account {
    balance: u64,
}

impl Aggregate for Account {
    type Event = AccountEvent;

    fn apply_event(&mut self, event: &AccountEvent) {
        let AccountEvent::Deposited { amount } = event;
        self.balance += amount;
    }
}

/// Four rules, and a handler with two arguments that does nothing.
#[command]
struct DoNothing {
    #[validate(length(min = 1, max = 40), ascii)]
    owner: String,
    #[validate(range(min = 1))]
    amount: u64,
    #[validate(inner(length(min = 1)))]
    notes: Vec<String>,
}

struct Clock;

#[command_handler]
async fn do_nothing(
    _command: DoNothing,
    _clock: Arc<Clock>,
    _store: EventStore<AccountEvent, Arc<dyn EventStoreBackend>>,
) -> Vec<AccountEvent> {
    Vec::new()
}

#[command(stream = "account-{account}")]
#[derive(Clone)]
struct Deposit {
    account: u64,
    amount: u64,
}

#[command_handler]
fn deposit(command: &Deposit, account: &Account) -> Result<Vec<AccountEvent>, &'static str> {
    match account.balance.checked_add(command.amount) {
        Some(_) => Ok(vec![AccountEvent::Deposited { amount: command.amount }]),
        None => Err("too rich"),
    }
}

fn bus<B: EventStoreBackend>(store: EventStore<AccountEvent, B>) -> CommandBus<AccountEvent> {
    CommandBus::builder(store).provide(Arc::new(Clock)).discover().build().unwrap()
}

fn one_core() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn overhead(c: &mut Criterion) {
    let runtime = one_core();
    let bus = bus(EventStore::new());
    let command = || DoNothing { owner: "ann".into(), amount: 42, notes: vec!["first".into()] };
    let mut group = c.benchmark_group("commands/overhead");
    // What making the command costs is in both.
    group.bench_function("made alone", |bencher| bencher.iter(command));
    group.bench_function("dispatched", |bencher| {
        bencher.to_async(&runtime).iter(|| async { bus.dispatch(command()).await.unwrap().events.len() });
    });
    group.finish();
}

/// How many commands go through in one measurement, each to a stream that has four events at most.
const COMMANDS: u64 = 100_000;

async fn decide_all(bus: &CommandBus<AccountEvent>, first: u64) {
    for account in first..first + COMMANDS {
        bus.dispatch(Deposit { account: account / 4, amount: 1 }).await.unwrap();
    }
}

fn deciding(c: &mut Criterion) {
    let runtime = one_core();
    let mut group = c.benchmark_group("commands/decide");
    group.throughput(Throughput::Elements(COMMANDS)).sample_size(10);
    group.bench_function("memory, one core", |bencher| {
        bencher.to_async(&runtime).iter_custom(|rounds| async move {
            let mut took = Duration::ZERO;
            for _ in 0..rounds {
                let bus = bus(EventStore::new());
                let begun = Instant::now();
                decide_all(&bus, 0).await;
                took += begun.elapsed();
            }
            took
        });
    });
    group.finish();
}

const DISPATCHERS: u64 = 64;
const ROUNDS: usize = 5;
/// Of every dispatcher.
const APPENDS: u64 = 400;

fn open(path: &Path, durability: Durability) -> WalBackend {
    WalBackend::with_config(path, WalConfig { durability, ..WalConfig::default() }).unwrap()
}

/// Events a second, of 64 tasks that each write to streams of their own.
async fn rate<F: Future<Output = ()> + Send + 'static>(task: impl Fn(u64) -> F) -> f64 {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..DISPATCHERS).map(|number| tokio::spawn(task(number))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    (DISPATCHERS * APPENDS) as f64 / begun.elapsed().as_secs_f64()
}

/// 64 dispatchers and 64 bare appenders in turns, on one durable store.
fn beside_raw_appends(_c: &mut Criterion) {
    for (name, durability) in [("durable", Durability::Always), ("os buffered", Durability::OsBuffered)] {
        let directory = tempfile::tempdir().unwrap();
        runtime().block_on(async {
            let store = EventStore::with_backend(open(directory.path(), durability));
            let bus = bus(store.clone());
            let (mut raw, mut dispatched) = (Vec::new(), Vec::new());
            for round in 0..ROUNDS as u64 {
                let first = move |number: u64| (round * DISPATCHERS + number) * APPENDS;
                let appender = store.clone();
                raw.push(
                    rate(|number| {
                        let store = appender.clone();
                        async move {
                            for stream in first(number)..first(number) + APPENDS {
                                let events = vec![AccountEvent::Deposited { amount: 1 }];
                                store.append(format!("raw-{stream}"), events).await.unwrap();
                            }
                        }
                    })
                    .await,
                );
                dispatched.push(
                    rate(|number| {
                        let bus = bus.clone();
                        async move {
                            for account in first(number)..first(number) + APPENDS {
                                bus.dispatch(Deposit { account, amount: 1 }).await.unwrap();
                            }
                        }
                    })
                    .await,
                );
            }
            let (raw, dispatched) = (median(raw.into_iter()), median(dispatched.into_iter()));
            println!(
                "commands/64 dispatchers, {name}: {dispatched:.0} commands/s, {raw:.0} raw appends/s, ratio {:.2}",
                dispatched / raw
            );
        });
    }
}

criterion_group!(benches, overhead, deciding, beside_raw_appends);
criterion_main!(benches);
