//! Sagas of several processes that share a PostgreSQL server, of which one is killed.

#[path = "../support/schema.rs"]
mod schema;

use std::time::Duration;

use allframe_cqrs::{
    EventStore,
    saga::{SagaEvent, SagaOrchestrator, SagaStep, StepContext},
};
use schema::Schema;

use crate::{
    support::killed::{Steps, kill_at_step, task},
    trips::{Done, Nothing, Trip, ann, builder, soon, trip},
};

const THIS: &str = "on_postgres::the_sagas_of_a_process_that_is_killed_are_taken_over_by_another";
const LEASE: Duration = Duration::from_millis(600);

/// Sagas whose second step ends this process where it is to.
async fn open(schema: &str, done: &Done, steps: Steps) -> SagaOrchestrator {
    let store = EventStore::<Nothing, _>::with_backend(Schema::opened(schema).await);
    let notes = done.clone();
    let second = SagaStep::new("flight", move |context: StepContext<Trip>| {
        let (steps, notes) = (steps.clone(), notes.clone());
        async move {
            steps.step();
            notes.note(format!("flight {}", context.saga().id()));
            Ok(context.fencing_token())
        }
    });
    builder(&store).with_lease(LEASE).saga(trip().then(done.step("hotel")).then(second)).open().await.unwrap()
}

async fn be_killed(schema: &str) {
    let sagas = open(schema, &Done::default(), Steps::up_to(1)).await;
    soon(sagas.run("trip", "1", &ann())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sagas_of_a_process_that_is_killed_are_taken_over_by_another() {
    if let Some(schema) = task() {
        return be_killed(&schema).await;
    }
    let schema = Schema::new();
    let done = Done::default();
    // It is there before the other one dies, and sees it live and fall silent.
    let lives = open(schema.name.as_str(), &done, Steps::without_end()).await;
    let name = schema.name.to_string();
    let at = tokio::task::spawn_blocking(move || kill_at_step(THIS, &name)).await.unwrap();
    assert_eq!(at, Some(1));
    let id = allframe_cqrs::saga::SagaId::new("trip", "1").unwrap();
    let outcome = soon(lives.wait_for_end(&id)).await.unwrap();
    // The first step was carried out by the one that died, and is not again.
    assert_eq!(done.all(), ["flight 1"]);
    assert!(outcome.output::<u64>("flight").unwrap() > 1);
    let events = EventStore::<SagaEvent, _>::with_backend(schema.open().await);
    let events = events.get_events(id.stream().clone()).await.unwrap();
    let claims = events.iter().filter(|event| matches!(event, SagaEvent::Claimed { .. })).count();
    assert_eq!(claims, 1);
    lives.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_share_the_sagas_of_a_server() {
    let schema = Schema::new();
    let done = Done::default();
    let mut processes = Vec::new();
    for _ in 0..3 {
        processes.push(open(schema.name.as_str(), &done, Steps::without_end()).await);
    }
    let mut waits = Vec::new();
    for number in 0..30_usize {
        let id = processes[number % 3].start("trip", &number.to_string(), &ann()).await.unwrap();
        let watching = processes[(number + 1) % 3].clone();
        waits.push(tokio::spawn(async move { watching.wait_for_end(&id).await }));
    }
    for wait in waits {
        assert!(soon(wait).await.unwrap().unwrap().is_completed());
    }
    assert_eq!(done.count("hotel"), 30);
    for process in processes {
        process.close().await;
    }
}
