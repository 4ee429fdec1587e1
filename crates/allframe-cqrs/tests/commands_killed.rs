//! A command with an idempotency key in a process that is killed between every two of its steps: it is carried out once.
#![cfg(all(feature = "memory", feature = "macros"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "a child tells its parent so how far it is")]

use std::{
    env,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use allframe_cqrs::{
    Aggregate, Appended, BackendStats, CommandBus, CommandError, Decision, Dispatched, EventStore,
    EventStoreBackend, Execution, ExpectedVersion, GlobalPosition, ReadAll, StreamId, StreamRange,
    api::{AppendBatch, Page, Result as StoreResult, Snapshot, StreamPage},
    async_trait, command, event,
};
use eventstore_wal::WalBackend;
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum AccountEvent {
    Deposited { amount: u64 },
    Withdrawn { amount: u64 },
}

use AccountEvent::{Deposited, Withdrawn};

#[derive(Default)]
struct Account {
    balance: u64,
}

impl Aggregate for Account {
    type Event = AccountEvent;

    fn apply_event(&mut self, event: &AccountEvent) {
        match event {
            Deposited { amount } => self.balance += amount,
            Withdrawn { amount } => self.balance -= amount,
        }
    }
}

#[command(stream = "account-1")]
#[derive(Serialize)]
struct Withdraw;

#[command]
#[derive(Serialize)]
struct Transfer;

/// Where the steps of a process are counted. At one of them it says so, and waits to be killed.
#[derive(Clone)]
struct Steps {
    done: Arc<AtomicUsize>,
    last: usize,
}

impl Steps {
    fn never() -> Self {
        Self { done: Arc::default(), last: usize::MAX }
    }

    fn step(&self) {
        if self.done.fetch_add(1, Ordering::SeqCst) + 1 == self.last {
            println!("at {}", self.last);
            loop {
                std::thread::park();
            }
        }
    }
}

/// The durable store, with a step before and after everything that it is asked for.
struct Stepped {
    inner: WalBackend,
    steps: Steps,
}

impl Stepped {
    async fn between<T>(&self, work: impl Future<Output = T>) -> T {
        self.steps.step();
        let answer = work.await;
        self.steps.step();
        answer
    }
}

#[async_trait]
impl EventStoreBackend for Stepped {
    async fn append_all(&self, batch: AppendBatch) -> StoreResult<Vec<Appended>> {
        self.between(self.inner.append_all(batch)).await
    }

    async fn read_stream(&self, stream: &StreamId, range: StreamRange) -> StoreResult<StreamPage> {
        self.between(self.inner.read_stream(stream, range)).await
    }

    async fn read_all(&self, query: &ReadAll) -> StoreResult<Page> {
        self.inner.read_all(query).await
    }

    async fn wait_past(&self, position: GlobalPosition) -> StoreResult<GlobalPosition> {
        self.inner.wait_past(position).await
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> StoreResult<()> {
        self.between(self.inner.save_snapshot(snapshot)).await
    }

    async fn get_latest_snapshot(&self, stream: &StreamId) -> StoreResult<Option<Snapshot>> {
        self.between(self.inner.get_latest_snapshot(stream)).await
    }

    async fn stats(&self) -> StoreResult<BackendStats> {
        self.inner.stats().await
    }
}

fn bus(directory: &Path, steps: Steps) -> (EventStore<AccountEvent, Stepped>, CommandBus<AccountEvent>) {
    let inner = WalBackend::production(directory.join("store")).unwrap();
    let store = EventStore::with_backend(Stepped { inner, steps: steps.clone() });
    let bus = CommandBus::builder(store.clone())
        .decide({
            let steps = steps.clone();
            move |_: &Withdraw, account: &Account| {
                steps.step();
                if account.balance < 5 { Err("too little") } else { Ok(vec![Withdrawn { amount: 5 }]) }
            }
        })
        .function(move |_: Transfer| {
            let steps = steps.clone();
            async move {
                steps.step();
                Decision::none()
                    .append("account-1", ExpectedVersion::StreamExists, vec![Withdrawn { amount: 5 }])
                    .append(
                        "account-2",
                        ExpectedVersion::Any,
                        vec![Deposited { amount: 2 }, Deposited { amount: 3 }],
                    )
            }
        })
        .build()
        .unwrap();
    (store, bus)
}

async fn dispatch(
    bus: &CommandBus<AccountEvent>,
    kind: &str,
) -> Result<Dispatched<AccountEvent>, CommandError> {
    match kind {
        "withdraw" => bus.dispatch_idempotent(Withdraw, "key-1").await,
        _ => bus.dispatch_idempotent(Transfer, "key-1").await,
    }
}

/// Where a child of this process finds what it is to do: a directory, a command, and the step to stop at.
const CHILD: &str = "COMMANDS_TEST_RUNS";
const THIS: &str = "a_command_that_is_killed_anywhere_is_carried_out_once";

/// The step at which the child was killed; `None` when it came to its end before.
fn kill_at(directory: &Path, kind: &str, last: usize) -> Option<usize> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", THIS, "--nocapture"])
        .env(CHILD, format!("{kind} {last} {}", directory.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let at = lines.filter_map(|line| line.unwrap().rsplit_once("at ")?.1.parse::<usize>().ok()).next();
    if at.is_none() {
        assert!(child.wait().unwrap().success());
        return None;
    }
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    at
}

async fn be_killed(task: &str) {
    let mut words = task.splitn(3, ' ');
    let mut word = || words.next().unwrap();
    let (kind, last) = (word(), word().parse().unwrap());
    let (_store, bus) = bus(Path::new(word()), Steps { done: Arc::default(), last });
    dispatch(&bus, kind).await.unwrap();
}

#[tokio::test]
async fn a_command_that_is_killed_anywhere_is_carried_out_once() {
    if let Ok(task) = env::var(CHILD) {
        return be_killed(&task).await;
    }
    for (kind, events) in [("withdraw", 1), ("transfer", 3)] {
        let (mut before, mut after) = (0, 0);
        for step in 1.. {
            let directory = tempfile::tempdir().unwrap();
            {
                let (store, _) = bus(directory.path(), Steps::never());
                store.append("account-1", vec![Deposited { amount: 7 }]).await.unwrap();
                store.backend().inner.close().await.unwrap();
            }
            let Some(at) = kill_at(directory.path(), kind, step) else { break };

            let (store, bus) = bus(directory.path(), Steps::never());
            let left = store.get_all_events().await.unwrap().len();
            assert!(left == 1 || left == 1 + events, "{kind}, killed at step {at}: {left} events");
            let first = dispatch(&bus, kind).await.unwrap();
            let second = dispatch(&bus, kind).await.unwrap();
            let was_done = left > 1;
            assert_eq!(first.execution == Execution::Repeated, was_done, "{kind}, killed at step {at}");
            assert_eq!((&second.events, &second.appended), (&first.events, &first.appended));
            assert_eq!(second.execution, Execution::Repeated);
            assert_eq!(
                store.get_all_events().await.unwrap().len(),
                1 + events,
                "{kind}, killed at step {at}"
            );
            if was_done { after += 1 } else { before += 1 }
        }
        assert!(before >= 5 && after >= 1, "{kind}: {before} kills before it was stored, {after} after");
    }
}
