//! Keys of commands that meet: within one another, and with those of other processes in the middle of a handler.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use allframe_cqrs::{
    CommandBus, CommandBusBuilder, CommandError, EventStore, EventStoreBackend, Execution, ExpectedVersion,
    StreamId,
    api::{AppendBatch, EventType, NewEvent},
    command,
};
use futures_util::FutureExt;
use serde::Serialize;
use tokio::sync::Barrier;

use crate::{
    bank::{Account, AccountEvent, AccountEvent::*, Deposit, Open, Refused, builder},
    support::{Fate, Watched, outcome_unknown, soon},
};

/// Has a deposit made by a command of its own.
#[command(stream = "account-1")]
#[derive(Clone, Serialize)]
struct Outer {
    key_of_deposit: &'static str,
}

/// A bus whose handlers of [`Outer`] dispatch on it, when all that are to meet have come so far.
fn nesting(meeting: Barrier) -> CommandBus<AccountEvent> {
    let itself = Arc::new(OnceLock::<CommandBus<AccountEvent>>::new());
    let shared = Arc::new((Arc::clone(&itself), meeting));
    let bus = CommandBus::builder(EventStore::new())
        .function(move |outer: Outer| {
            let shared = Arc::clone(&shared);
            async move {
                let (itself, meeting) = &*shared;
                meeting.wait().await;
                let deposit = Deposit { account: 1, amount: 1 };
                itself.get().unwrap().dispatch_idempotent(deposit, outer.key_of_deposit).await?;
                Ok::<_, CommandError>(vec![Deposited { amount: 2 }])
            }
        })
        .function(|deposit: Deposit| async move { vec![Deposited { amount: deposit.amount }] })
        .build()
        .unwrap();
    itself.set(bus.clone()).unwrap();
    bus
}

#[tokio::test]
async fn a_handler_that_dispatches_with_its_own_key_is_told_instead_of_waiting_for_itself() {
    let bus = nesting(Barrier::new(1));
    let dispatch = |key_of_deposit, key| soon(bus.dispatch_idempotent(Outer { key_of_deposit }, key));
    let error = dispatch("k", "k").await.unwrap_err();
    assert!(
        matches!(&error, CommandError::KeyReused { key, first } if key == "k" && first == "Outer"),
        "{error}"
    );
    assert_eq!(dispatch("k-1", "k").await.unwrap().execution, Execution::First);
}

#[tokio::test]
async fn two_whose_handlers_dispatch_with_the_other_s_key_do_not_wait_for_each_other() {
    let bus = nesting(Barrier::new(2));
    let one = bus.dispatch_idempotent(Outer { key_of_deposit: "b" }, "a");
    let other = bus.dispatch_idempotent(Outer { key_of_deposit: "a" }, "b");
    let (one, other) = soon(async { tokio::join!(one, other) }).await;
    let errors: Vec<_> = [one, other].into_iter().filter_map(Result::err).collect();
    assert!(!errors.is_empty(), "each key belongs to one of the commands");
    assert!(errors.iter().all(|error| matches!(error, CommandError::KeyReused { .. })), "{errors:?}");
}

/// As another process would, which has the same key.
fn other_process(
    store: &EventStore<AccountEvent>,
) -> impl Fn(Open) -> Result<(), CommandError> + Send + Sync + use<> {
    let bus = builder(store, &Arc::default()).build().unwrap();
    // In memory, nothing has to be waited for.
    move |open| bus.dispatch_idempotent(open, "k").now_or_never().unwrap().map(drop)
}

async fn loses_the_race(
    of: impl FnOnce(CommandBusBuilder<AccountEvent>, Race) -> CommandBusBuilder<AccountEvent>,
) {
    let store = EventStore::new();
    let race = Race { other: Box::new(other_process(&store)), is_over: AtomicBool::new(false) };
    let bus = of(CommandBus::builder(store.clone()), race).build().unwrap();
    let open = Open { account: 1, owner: "ann".into() };
    let done = bus.dispatch_idempotent(open, "k").await.unwrap();
    assert_eq!(
        (done.execution, &done.events[..]),
        (Execution::Repeated, &[Opened { owner: "ann".into() }][..])
    );
    assert_eq!(store.get_all_events().await.unwrap().len(), 1);
}

/// Is lost as soon as it is run.
struct Race {
    other: Box<dyn Fn(Open) -> Result<(), CommandError> + Send + Sync>,
    is_over: AtomicBool,
}

impl Race {
    fn run(&self, command: &Open) {
        if !self.is_over.swap(true, Ordering::Relaxed) {
            (self.other)(command.clone()).unwrap();
        }
    }
}

#[tokio::test]
async fn a_decision_that_is_refused_because_another_process_made_it_has_that_one_s_result() {
    loses_the_race(|builder, race| {
        builder.decide(move |open: &Open, account: &Account| {
            race.run(open);
            match account.owner {
                None => Ok(vec![Opened { owner: open.owner.clone() }]),
                Some(_) => Err(Refused::IsOpen),
            }
        })
    })
    .await;
}

#[tokio::test]
async fn a_handler_that_refuses_what_another_process_did_meanwhile_has_that_one_s_result() {
    loses_the_race(|builder, race| {
        builder.function(move |open: Open| {
            race.run(&open);
            async { Err::<Vec<AccountEvent>, _>(Refused::IsOpen) }
        })
    })
    .await;
}

#[tokio::test]
async fn a_key_settles_an_append_whose_answer_is_lost_each_time() {
    let backend = Watched::with_fates(|_| Fate::StoredButAnswers(outcome_unknown()));
    let store = EventStore::with_backend(Arc::new(backend));
    let bus = builder(&store, &Arc::default()).build().unwrap();
    let done = bus.dispatch_idempotent(Deposit { account: 1, amount: 5 }, "k").await.unwrap();
    assert_eq!((done.events.len(), done.appended.len()), (1, 1));
    assert_eq!(store.get_all_events().await.unwrap(), [Deposited { amount: 5 }]);
}

/// Between any two steps of a dispatch somebody else appends.
#[tokio::test]
async fn a_command_that_expects_no_version_is_carried_out_however_many_append_to_its_stream() {
    let busy = Arc::new(OnceLock::<EventStore<AccountEvent>>::new());
    let backend = Arc::new(Watched::with_fates({
        let busy = Arc::clone(&busy);
        move |_| {
            let other = vec![Deposited { amount: 1 }; 300];
            busy.get().unwrap().append("account-1", other).now_or_never().unwrap().unwrap();
            Fate::Goes
        }
    }));
    busy.set(EventStore::with_backend(backend.inner.clone())).unwrap();
    let bus = builder(&EventStore::with_backend(backend), &Arc::default()).build().unwrap();
    let deposit = |amount| bus.dispatch_idempotent(Deposit { account: 1, amount }, format!("k-{amount}"));
    for amount in [5, 6] {
        let first = deposit(amount).await.unwrap();
        let again = deposit(amount).await.unwrap();
        assert_eq!((first.execution, again.execution), (Execution::First, Execution::Repeated));
        assert_eq!((&again.events, &again.appended), (&vec![Deposited { amount }], &first.appended));
    }
}

#[tokio::test]
async fn a_record_whose_events_are_not_there_is_no_result() {
    let store = EventStore::new();
    let bus = builder(&store, &Arc::default()).build().unwrap();
    let record =
        br#"{"command":"Deposit","appended":[{"stream":"account-1","after":0,"first":"","events":1}]}"#;
    let record = NewEvent::new(EventType::new("$command-executed").unwrap(), record.to_vec());
    let records = StreamId::new("$command-k").unwrap();
    let batch = AppendBatch::single(records, ExpectedVersion::NoStream, vec![record]);
    store.backend().append_all(batch).await.unwrap();
    let error = bus.dispatch_idempotent(Deposit { account: 1, amount: 5 }, "k").await.unwrap_err();
    assert!(matches!(&error, CommandError::Internal(what) if what.contains("account-1")), "{error}");
}
