//! Sagas in a process that is killed between every two of its writes: each goes on, and nothing is done twice or left out.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use allframe_cqrs::{
    Backoff, CommandBus, EventStore, command, event,
    saga::{
        SagaDefinition, SagaOrchestrator, SagaOutcome, SagaStep, Sagas, StepContext, StepError, StepOutputs,
    },
};
use eventstore_conformance::intercept::Intercepted;
use eventstore_wal::WalBackend;
use serde::{Deserialize, Serialize};

use crate::{
    support::killed::{Stepped, Steps, kill_at_step, task},
    trips::{Trip, ann, soon},
};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum RoomEvent {
    Booked { room: u32 },
    Freed { room: u32 },
}

#[command(stream = "room-{room}", inverse = FreeRoom { room })]
#[derive(Serialize, Deserialize)]
struct BookRoom {
    room: u32,
}

#[command(stream = "room-{room}")]
#[derive(Clone, Serialize, Deserialize)]
struct FreeRoom {
    room: u32,
}

/// Something outside that does what it is told once a key: a file with a line for each.
#[derive(Clone)]
struct Outside {
    path: PathBuf,
    steps: Steps,
}

impl Outside {
    fn carry_out(&self, key: &str) {
        self.steps.step();
        if !self.all().iter().any(|done| done == key) {
            let mut file = fs::File::options().create(true).append(true).open(&self.path).unwrap();
            file.write_all(format!("{key}\n").as_bytes()).unwrap();
        }
        self.steps.step();
    }

    fn all(&self) -> Vec<String> {
        match fs::read_to_string(&self.path) {
            Ok(lines) => lines.lines().map(str::to_owned).collect(),
            Err(_) => Vec::new(),
        }
    }

    fn step(&self, name: &'static str) -> SagaStep<Trip, String> {
        self.failing(name, |_| None)
    }

    /// A step that is carried out, and then fails with this, or not.
    fn failing(
        &self,
        name: &'static str,
        error: impl Fn(u32) -> Option<StepError> + Clone + Send + Sync + 'static,
    ) -> SagaStep<Trip, String> {
        let (done, undone) = (self.clone(), self.clone());
        SagaStep::new(name, move |context: StepContext<Trip>| {
            let (done, error) = (done.clone(), error.clone());
            async move {
                if let Some(error) = error(context.attempt()) {
                    return Err(error);
                }
                done.carry_out(context.idempotency_key());
                Ok(name.to_owned())
            }
        })
        .compensate(move |context, _| {
            let undone = undone.clone();
            async move {
                undone.carry_out(context.idempotency_key());
                Ok(())
            }
        })
        .with_backoff(Backoff::new(Duration::from_millis(1), Duration::from_millis(1)))
    }
}

type Store = EventStore<RoomEvent, Intercepted<Stepped<WalBackend>>>;

/// The sagas of these tests.
const SAGAS: [&str; 6] = ["forward", "undone", "retried", "commands", "commands_undone", "parent"];

async fn open(directory: &Path, steps: Steps) -> (Store, SagaOrchestrator, Outside) {
    let inner = WalBackend::production(directory.join("store")).unwrap();
    let store = EventStore::with_backend(Stepped::appends(inner, steps.clone()));
    let bus = CommandBus::builder(store.clone())
        .function(|command: BookRoom| async move { vec![RoomEvent::Booked { room: command.room }] })
        .function(|command: FreeRoom| async move { vec![RoomEvent::Freed { room: command.room }] })
        .build()
        .unwrap();
    let outside = Outside { path: directory.join("outside"), steps };
    let rejected = |_| Some(StepError::rejected("declined"));
    let book =
        |room| SagaStep::invertible_command("book", &bus, move |_: &StepContext<Trip>| Ok(BookRoom { room }));
    let child = || {
        SagaStep::<Trip, StepOutputs>::saga_of_type("child", "forward", |context| Ok(context.input().clone()))
    };
    let definition = |name: &str| SagaDefinition::<Trip>::new(name.to_owned());
    let sagas =
        SagaOrchestrator::builder(&store)
            .with_worker_name("only")
            .saga(
                definition("forward")
                    .step(outside.step("hotel"))
                    .step(outside.step("flight"))
                    .then(outside.step("tickets")),
            )
            .saga(
                definition("undone")
                    .then(outside.step("hotel"))
                    .then(outside.step("flight"))
                    .then(outside.failing("pay", rejected)),
            )
            .saga(definition("retried").then(
                outside.failing("pay", |attempt| (attempt < 3).then(|| StepError::retryable("not now"))),
            ))
            .saga(definition("commands").then(book(1)).then(outside.step("tickets")))
            .saga(definition("commands_undone").then(book(2)).then(outside.failing("pay", rejected)))
            .saga(definition("parent").then(child()).then(outside.failing("pay", rejected)))
            .open()
            .await
            .unwrap();
    (store, sagas, outside)
}

/// Starts the saga, unless it was started before, and lets it come to its end.
async fn run(sagas: &SagaOrchestrator, saga: &str) -> SagaOutcome {
    soon(sagas.run(saga, "1", &ann())).await.unwrap()
}

/// All that a saga leaves behind, in order.
async fn told(store: &Store, outside: &Outside) -> String {
    let mut rooms = Vec::new();
    for room in ["room-1", "room-2"] {
        rooms.extend(store.get_events(room).await.unwrap());
    }
    let mut outside = outside.all();
    // Two of them are carried out at the same time.
    outside.sort();
    format!("{rooms:?} {outside:#?}")
}

const THIS: &str = "killed::a_saga_that_is_killed_anywhere_goes_on_and_does_nothing_twice";

async fn be_killed(task: &str) {
    let mut words = task.splitn(3, ' ');
    let mut word = || words.next().unwrap();
    let (saga, last) = (word(), word().parse().unwrap());
    let (_store, sagas, _outside) = open(Path::new(word()), Steps::up_to(last)).await;
    run(&sagas, saga).await;
}

#[tokio::test]
async fn a_saga_that_is_killed_anywhere_goes_on_and_does_nothing_twice() {
    if let Some(task) = task() {
        return be_killed(&task).await;
    }
    for saga in SAGAS {
        let whole = tempfile::tempdir().unwrap();
        let (store, sagas, outside) = open(whole.path(), Steps::without_end()).await;
        let outcome = run(&sagas, saga).await;
        let whole = told(&store, &outside).await;
        assert!(whole.contains("saga-") || whole.contains("Booked"), "{whole}");

        let mut kills = 0;
        for step in 1.. {
            let directory = tempfile::tempdir().unwrap();
            let at = |step| format!("{saga} {step} {}", directory.path().display());
            if kill_at_step(THIS, &at(step)).is_none() {
                break;
            }
            kills += 1;
            // And whoever takes over is killed too, at one step or another.
            kill_at_step(THIS, &at(step % 7 + 1));

            let (store, sagas, outside) = open(directory.path(), Steps::without_end()).await;
            let again = run(&sagas, saga).await;
            assert_eq!(again, outcome, "{saga}, killed at step {step}");
            assert_eq!(told(&store, &outside).await, whole, "{saga}, killed at step {step}");
            let left = Sagas::of(&store).list(|saga| !saga.status.has_ended()).await.unwrap();
            assert!(left.is_empty(), "{saga}, killed at step {step}: {left:?}");
        }
        assert!(kills >= 8, "{saga}: {kills} kills are too few to have come everywhere");
    }
}
