use std::{sync::Arc, time::Duration};

use allframe_cqrs::{
    Backoff, Clock, EventStore, InMemoryBackend, ManualClock, Timestamp,
    saga::{SagaId, SagaOutcome, SagaStatus, SagaStep, StepContext, StepError},
};

use crate::trips::{Done, Nothing, Trip, ann, builder, soon, trip, with_time};

const HOUR: Duration = Duration::from_secs(3_600);

/// A store that outlives its handles.
fn store() -> EventStore<Nothing, Arc<InMemoryBackend>> {
    EventStore::with_backend(Arc::new(InMemoryBackend::new()))
}

#[tokio::test]
async fn what_is_not_over_when_its_time_is_turns_round() {
    let (done, clock) = (Done::default(), ManualClock::new());
    let definition = trip()
        .then(done.step("hotel"))
        .then(
            done.failing("flight", |_| Some(StepError::retryable("sold out for now")))
                .with_max_attempts(1_000.try_into().unwrap())
                .with_backoff(Backoff::new(HOUR, HOUR)),
        )
        .with_timeout(10 * HOUR);
    let store = store();
    let sagas = builder(&store).with_clock(clock.clone()).saga(definition).open().await.unwrap();
    let outcome = with_time(&clock, sagas.run("trip", "1", &ann())).await.unwrap();
    assert_eq!(outcome, SagaOutcome::Compensated { reason: "its time was over".into() });
    assert_eq!(done.count("flight"), 10);
    assert_eq!(done.all().last().unwrap(), r#"unhotel Some("hotel is done")"#);
}

#[tokio::test]
async fn a_deadline_fires_after_a_restart() {
    let (done, clock, store) = (Done::default(), ManualClock::new(), store());
    let definition = || {
        let step =
            SagaStep::new("flight", |_: StepContext<Trip>| std::future::pending::<Result<(), StepError>>());
        let step = step.with_timeout(HOUR).with_max_attempts(1.try_into().unwrap());
        trip().then(done.step("hotel")).then(step)
    };
    let begin =
        || builder(&store).with_clock(clock.clone()).with_worker_name("only").saga(definition()).open();
    let first = begin().await.unwrap();
    first.start("trip", "1", &ann()).await.unwrap();
    let id = SagaId::new("trip", "1").unwrap();
    soon(async {
        while first.sagas().show(&id).await.unwrap().steps.len() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(first);
    // The process is away for longer than the attempt may take.
    clock.advance(5 * HOUR);
    let second = begin().await.unwrap();
    let outcome = soon(second.wait_for_end(&id)).await.unwrap();
    assert!(matches!(outcome, SagaOutcome::Compensated { reason } if reason.contains("it took too long")));
}

#[tokio::test]
async fn a_wait_for_the_next_attempt_goes_on_across_a_restart_and_is_not_begun_anew() {
    let (done, clock, store) = (Done::default(), ManualClock::new(), store());
    let definition = || {
        let step = done.failing("flight", |attempt| {
            (attempt == 1).then(|| StepError::retryable("sold out").with_retry_after(2 * HOUR))
        });
        trip().then(step)
    };
    let begin =
        || builder(&store).with_clock(clock.clone()).with_worker_name("only").saga(definition()).open();
    let begun = clock.now();
    let first = begin().await.unwrap();
    first.start("trip", "1", &ann()).await.unwrap();
    let id = SagaId::new("trip", "1").unwrap();
    soon(async {
        while first.sagas().list(|saga| saga.due.is_some()).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    first.close().await;
    clock.advance(HOUR);
    let second = begin().await.unwrap();
    assert!(with_time(&clock, second.wait_for_end(&id)).await.unwrap().is_completed());
    assert_eq!(hours_since(&clock, begun), 2);
    assert_eq!(done.count("flight"), 2);
}

#[tokio::test]
async fn a_saga_that_is_scheduled_does_nothing_before_its_moment_also_across_a_restart() {
    let (done, clock, store) = (Done::default(), ManualClock::new(), store());
    let begin = || {
        builder(&store)
            .with_clock(clock.clone())
            .with_worker_name("only")
            .saga(trip().then(done.step("hotel")))
    };
    let first = begin().open().await.unwrap();
    let begun = clock.now();
    let moment = Timestamp::from_micros(begun.as_micros() + 24 * 3_600_000_000);
    let id = first.schedule("trip", "1", &ann(), moment).await.unwrap();
    first.close().await;
    let second = begin().open().await.unwrap();
    assert_eq!(second.sagas().show(&id).await.unwrap().status, SagaStatus::Running);
    clock.advance(23 * HOUR);
    tokio::task::yield_now().await;
    assert_eq!(done.count("hotel"), 0);
    assert!(with_time(&clock, second.wait_for_end(&id)).await.unwrap().is_completed());
    assert_eq!(hours_since(&clock, begun), 24);
}

fn hours_since(clock: &ManualClock, begun: Timestamp) -> i64 {
    (clock.now().as_micros() - begun.as_micros()) / 3_600_000_000
}
