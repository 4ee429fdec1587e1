use std::sync::Arc;

use allframe_cqrs::{
    EventStore, InMemoryBackend,
    saga::{
        OnFailure, SagaDefinition, SagaEvent, SagaId, SagaOutcome, SagaStatus, SagaStep, StepContext,
        StepError, StepOutputs,
    },
};

use crate::trips::{Done, Nothing, Trip, ann, builder, soon, trip};

fn booking() -> SagaDefinition<Trip> {
    SagaDefinition::new("booking")
}

fn book() -> SagaStep<Trip, StepOutputs> {
    SagaStep::saga_of_type("book", "booking", |context: &StepContext<Trip>| Ok(context.input().clone()))
}

#[tokio::test]
async fn a_step_may_be_a_saga_and_answers_what_its_steps_have() {
    let done = Done::default();
    let definition =
        trip().then(book()).then(SagaStep::new("voucher", |context: StepContext<Trip>| async move {
            context.output::<StepOutputs>("book")?.get::<String>("hotel")
        }));
    let store = EventStore::<Nothing>::new();
    let sagas =
        builder(&store).saga(definition).saga(booking().then(done.step("hotel"))).open().await.unwrap();
    let outcome = soon(sagas.run("trip", "1", &ann())).await.unwrap();
    assert_eq!(outcome.output::<String>("voucher").unwrap(), "hotel is done");
    let child = sagas.sagas().show(&SagaId::new("booking", "trip/1/book").unwrap()).await.unwrap();
    assert_eq!(child.status, SagaStatus::Completed);
    assert_eq!(&*child.correlation_id, "saga-trip-1");
}

#[tokio::test]
async fn a_step_fails_where_its_saga_was_undone_and_is_undone_by_turning_it_round() {
    let (done, declined) = (Done::default(), |_| Some(StepError::rejected("declined")));
    let store = EventStore::<Nothing>::new();
    let sagas = builder(&store)
        .saga(trip().then(book()).then(done.failing("pay", declined)))
        .saga(booking().then(done.step("hotel")))
        .open()
        .await
        .unwrap();
    let outcome = soon(sagas.run("trip", "1", &ann())).await.unwrap();
    assert!(matches!(outcome, SagaOutcome::Compensated { .. }), "{outcome:?}");
    assert_eq!(done.all(), ["hotel", "pay", r#"unhotel Some("hotel is done")"#]);

    let done = Done::default();
    let store = EventStore::<Nothing>::new();
    let sagas = builder(&store)
        .saga(trip().then(done.step("visa")).then(book()))
        .saga(booking().then(done.step("hotel")).then(done.failing("pay", declined)))
        .open()
        .await
        .unwrap();
    let outcome = soon(sagas.run("trip", "1", &ann())).await.unwrap();
    let SagaOutcome::Compensated { reason } = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("booking-trip/1/book` was undone: the step `pay` failed: declined"), "{reason}");
    assert_eq!(done.all()[3..], [r#"unhotel Some("hotel is done")"#, r#"unvisa Some("visa is done")"#]);
}

#[tokio::test]
async fn a_step_waits_while_its_saga_waits_for_a_person_and_other_steps_go_on_meanwhile() {
    let done = Done::default();
    let pay = done.failing("pay", |_| Some(StepError::rejected("declined"))).on_failure(OnFailure::Park);
    let store = EventStore::<Nothing>::new();
    let sagas = builder(&store)
        .saga(trip().step(book()).step(done.step("visa")))
        .saga(booking().then(pay))
        .open()
        .await
        .unwrap();
    sagas.start("trip", "1", &ann()).await.unwrap();
    let child = SagaId::new("booking", "trip/1/book").unwrap();
    soon(async {
        while !matches!(sagas.sagas().show(&child).await, Ok(child) if child.status == SagaStatus::Parked) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(done.count("visa"), 1);
    sagas.sagas().resume(&child, &"in cash", "paid at the desk").await.unwrap();
    let parent = SagaId::new("trip", "1").unwrap();
    assert!(soon(sagas.wait_for_end(&parent)).await.unwrap().is_completed());
}

#[tokio::test]
async fn a_saga_that_waits_for_another_goes_on_when_that_ends_behind_a_restart() {
    let done = Done::default();
    let store = EventStore::<Nothing, _>::with_backend(Arc::new(InMemoryBackend::new()));
    let open = || {
        let pay = done.failing("pay", |_| Some(StepError::rejected("declined"))).on_failure(OnFailure::Park);
        builder(&store).saga(trip().then(book())).saga(booking().then(pay)).open()
    };
    let child = SagaId::new("booking", "trip/1/book").unwrap();
    let first = open().await.unwrap();
    first.start("trip", "1", &ann()).await.unwrap();
    soon(async {
        while !matches!(first.sagas().show(&child).await, Ok(child) if child.status == SagaStatus::Parked) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    first.close().await;
    let second = open().await.unwrap();
    second.sagas().resume(&child, &"in cash", "paid at the desk").await.unwrap();
    let parent = SagaId::new("trip", "1").unwrap();
    assert!(soon(second.wait_for_end(&parent)).await.unwrap().is_completed());
}

#[tokio::test]
async fn a_saga_of_a_step_has_the_time_and_the_version_of_its_definition() {
    let store = EventStore::<Nothing>::new();
    let child = booking().then(Done::default().step("hotel"));
    let child = child.with_timeout(std::time::Duration::from_secs(60)).with_version(7);
    let sagas = builder(&store).saga(trip().then(book())).saga(child).open().await.unwrap();
    soon(sagas.run("trip", "1", &ann())).await.unwrap();
    let shown = sagas.sagas().show(&SagaId::new("booking", "trip/1/book").unwrap()).await.unwrap();
    let SagaEvent::Started(started) = &shown.history[0].event else { panic!("{:?}", shown.history) };
    assert_eq!((started.version, started.deadline.is_some()), (7, true));
}

#[tokio::test]
async fn what_is_too_long_to_be_begun_has_failed_and_not_what_came_before_it() {
    let done = Done::default();
    let long = SagaStep::saga_of_type("book", "booking", |_: &StepContext<Trip>| {
        Ok(Trip { traveller: "x".repeat(allframe_cqrs::api::limits::MAX_PAYLOAD_BYTES) })
    });
    let store = EventStore::<Nothing>::new();
    let sagas = builder(&store)
        .saga(trip().then(done.step("visa")).then(long))
        .saga(booking().then(done.step("hotel")))
        .open()
        .await
        .unwrap();
    let outcome = soon(sagas.run("trip", "1", &ann())).await.unwrap();
    assert!(matches!(outcome, SagaOutcome::Compensated { reason } if reason.contains("`book` failed")));
    assert_eq!(done.all(), ["visa", r#"unvisa Some("visa is done")"#]);
}
