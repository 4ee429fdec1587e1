//! A command that was carried out before the copy is not carried out again after it.

use allframe_cqrs::{
    CommandBus, Decision, EventStore, EventStoreBackend, Execution, ExpectedVersion, InMemoryBackend,
    api::RecordedEvent,
    command,
    copy::{KeyRecords, Output, StoreCopy},
    event,
};
use serde::{Deserialize, Serialize};

use crate::stores::{records, told};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum AccountEvent {
    Deposited { amount: u64 },
    Noted { text: String },
}

use AccountEvent::{Deposited, Noted};

#[command]
#[derive(Serialize)]
struct Move;

fn bus(store: &EventStore<AccountEvent>) -> CommandBus<AccountEvent> {
    let handler = |_: Move| async {
        Decision::none()
            .append(
                "account-1",
                ExpectedVersion::Any,
                vec![Noted { text: "x".into() }, Deposited { amount: 1 }],
            )
            .append("account-2", ExpectedVersion::Any, vec![Deposited { amount: 2 }, Deposited { amount: 3 }])
    };
    CommandBus::builder(store.clone()).function(handler).build().unwrap()
}

async fn old_store() -> EventStore<AccountEvent> {
    let store = EventStore::new();
    let many = (0..5).map(|amount| Deposited { amount: 100 + amount }).collect();
    store.append("account-1", many).await.unwrap();
    bus(&store).dispatch_idempotent(Move, "key-1").await.unwrap();
    store.append("account-2", vec![Deposited { amount: 9 }]).await.unwrap();
    store
}

async fn repeated_after(
    transform: impl Fn(&RecordedEvent, &mut Output<'_>) + Send + Sync,
) -> (Execution, Vec<AccountEvent>) {
    let (old, new) = (old_store().await, EventStore::new());
    StoreCopy::new("moved").from(old.backend()).to(new.backend()).transform(transform).run().await.unwrap();
    let before = records(new.backend()).await.len();
    let answer = bus(&new).dispatch_idempotent(Move, "key-1").await.unwrap();
    assert_eq!(records(new.backend()).await.len(), before, "{}", told(new.backend()).await);
    (answer.execution, answer.events)
}

#[tokio::test]
async fn its_answer_is_the_first_one_where_its_events_are_as_they_were() {
    let all = vec![
        Noted { text: "x".into() },
        Deposited { amount: 1 },
        Deposited { amount: 2 },
        Deposited { amount: 3 },
    ];
    assert_eq!(repeated_after(|_, output| output.keep()).await, (Execution::Repeated, all));
}

#[tokio::test]
async fn its_answer_is_what_its_events_have_become() {
    let moved = repeated_after(|record, output| match record.event_type.as_str() {
        // Everything before the command goes too, so that all versions are others.
        "Noted" => output.discard(),
        _ if record.payload.starts_with(br#"{"amount":10"#) => output.discard(),
        _ => output.keep_in("all"),
    });
    let left = vec![Deposited { amount: 1 }, Deposited { amount: 2 }, Deposited { amount: 3 }];
    assert_eq!(moved.await, (Execution::Repeated, left));
}

#[tokio::test]
async fn it_stays_carried_out_where_none_of_its_events_are_left() {
    let dropped = repeated_after(|_, output| output.discard());
    assert_eq!(dropped.await, (Execution::Repeated, vec![]));
}

#[tokio::test]
async fn records_of_keys_may_be_left_out() {
    let (old, new) = (old_store().await, InMemoryBackend::new());
    let copy = StoreCopy::new("all").from(old.backend()).to(&new).key_records(KeyRecords::LeaveOut);
    let report = copy.run().await.unwrap();
    assert_eq!(report.copied.left_out, 1);
    assert!(!told(&new).await.contains("$command"));
    assert!(new.head().await.is_ok());
}
