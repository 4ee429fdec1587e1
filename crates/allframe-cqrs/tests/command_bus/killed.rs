//! A command with an idempotency key in a process that is killed between every two of its steps: it is carried out once.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::Path;

use allframe_cqrs::{
    Aggregate, CommandBus, CommandError, Decision, Dispatched, EventStore, EventStoreBackend, Execution,
    ExpectedVersion, command, event,
};
use eventstore_conformance::intercept::Intercepted;
use eventstore_wal::WalBackend;
use serde::{Deserialize, Serialize};

use crate::support::killed::{self, Stepped, Steps, kill_at_step};

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

fn bus(
    directory: &Path,
    steps: Steps,
) -> (EventStore<AccountEvent, Intercepted<Stepped<WalBackend>>>, CommandBus<AccountEvent>) {
    let inner = WalBackend::production(directory.join("store")).unwrap();
    let store = EventStore::with_backend(Stepped::all(inner, steps.clone()));
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

const THIS: &str = "killed::a_command_that_is_killed_anywhere_is_carried_out_once";

async fn be_killed(task: &str) {
    let mut words = task.splitn(3, ' ');
    let mut word = || words.next().unwrap();
    let (kind, last) = (word(), word().parse().unwrap());
    let (_store, bus) = bus(Path::new(word()), Steps::up_to(last));
    dispatch(&bus, kind).await.unwrap();
}

#[tokio::test]
async fn a_command_that_is_killed_anywhere_is_carried_out_once() {
    if let Some(task) = killed::task() {
        return be_killed(&task).await;
    }
    for (kind, events) in [("withdraw", 1), ("transfer", 3)] {
        let (mut before, mut after) = (0, 0);
        for step in 1.. {
            let directory = tempfile::tempdir().unwrap();
            {
                let (store, _) = bus(directory.path(), Steps::without_end());
                store.append("account-1", vec![Deposited { amount: 7 }]).await.unwrap();
                store.backend().inner.close().await.unwrap();
            }
            let task = format!("{kind} {step} {}", directory.path().display());
            let Some(at) = kill_at_step(THIS, &task) else { break };

            let (store, bus) = bus(directory.path(), Steps::without_end());
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
