use allframe_cqrs::{
    EventStore, ManualClock,
    saga::{OnFailure, SagaEvent, SagaOutcome, SagaStep, StepContext, StepError},
};

use crate::trips::{Done, Nothing, Trip, ann, builder, soon, trip, with_time};

#[tokio::test]
async fn what_was_done_is_undone_in_reverse_order_and_what_was_not_is_not() {
    let done = Done::default();
    let definition = trip()
        .then(done.step("hotel"))
        .then(done.step("visa").when(|_| Ok(false)))
        .then(done.step("flight"))
        .then(done.failing("pay", |_| Some(StepError::rejected("the card was declined"))))
        .then(done.step("tickets"));
    let sagas = builder(&EventStore::<Nothing>::new()).saga(definition).open().await.unwrap();
    let outcome = soon(sagas.run("trip", "1", &ann())).await.unwrap();
    let SagaOutcome::Compensated { reason } = outcome else { panic!("{outcome:?}") };
    assert_eq!(reason, "the step `pay` failed: the card was declined");
    assert_eq!(
        done.all(),
        ["hotel", "flight", "pay", r#"unflight Some("flight is done")"#, r#"unhotel Some("hotel is done")"#]
    );
}

#[tokio::test]
async fn a_step_that_may_have_been_done_is_undone_too() {
    let done = Done::default();
    let uncertain = done
        .failing("pay", |_| Some(StepError::uncertain("the bank did not say")))
        .with_max_attempts(1.try_into().unwrap());
    let definition = trip().then(done.step("hotel")).then(uncertain);
    let sagas = builder(&EventStore::<Nothing>::new()).saga(definition).open().await.unwrap();
    soon(sagas.run("trip", "1", &ann())).await.unwrap();
    assert_eq!(done.all(), ["hotel", "pay", "unpay None", r#"unhotel Some("hotel is done")"#]);
}

#[tokio::test]
async fn what_cannot_be_undone_is_tried_again_and_then_waits_for_a_person_with_all_that_is_known() {
    let (done, clock) = (Done::default(), ManualClock::new());
    let tries = done.clone();
    let hotel = SagaStep::new("hotel", |_: StepContext<Trip>| async { Ok(7_u32) })
        .compensate(move |_, _| {
            let tries = tries.clone();
            async move {
                tries.note("try");
                Err(StepError::retryable("the hotel does not answer"))
            }
        })
        .with_max_attempts(3.try_into().unwrap());
    let definition =
        trip().then(hotel).then(done.failing("pay", |_| Some(StepError::rejected("the card was declined"))));
    let store = EventStore::<Nothing>::new();
    let sagas = builder(&store).with_clock(clock.clone()).saga(definition).open().await.unwrap();
    let outcome = with_time(&clock, sagas.run("trip", "1", &ann())).await.unwrap();
    let SagaOutcome::Parked { reason } = outcome else { panic!("{outcome:?}") };
    assert_eq!(reason, "the step `hotel` could not be undone: the hotel does not answer");
    assert_eq!(done.count("try"), 3);
}

#[tokio::test]
async fn a_step_behind_which_there_is_no_way_back_waits_for_a_person() {
    let done = Done::default();
    let definition = trip().then(done.step("hotel")).then(
        done.failing("pay", |_| Some(StepError::rejected("the card was declined")))
            .on_failure(OnFailure::Park),
    );
    let sagas = builder(&EventStore::<Nothing>::new()).saga(definition).open().await.unwrap();
    let outcome = soon(sagas.run("trip", "1", &ann())).await.unwrap();
    assert!(matches!(outcome, SagaOutcome::Parked { .. }));
    assert_eq!(done.all(), ["hotel", "pay"]);
}

#[tokio::test]
async fn a_panic_is_a_failure_of_which_nothing_is_known() {
    let done = Done::default();
    let panicking = SagaStep::new("pay", |_: StepContext<Trip>| async { panic!("the bank is on fire") })
        .compensate({
            let done = done.clone();
            move |_, _: Option<()>| {
                let done = done.clone();
                async move {
                    done.note("unpay");
                    Ok(())
                }
            }
        })
        .with_max_attempts(1.try_into().unwrap());
    let store = EventStore::<Nothing>::new();
    let sagas = builder(&store).saga(trip().then(panicking)).open().await.unwrap();
    let outcome = soon(sagas.run("trip", "1", &ann())).await.unwrap();
    assert!(matches!(outcome, SagaOutcome::Compensated { reason } if reason.contains("on fire")));
    assert_eq!(done.all(), ["unpay"]);
}

#[tokio::test]
async fn every_decision_is_in_the_stream() {
    let done = Done::default();
    let definition =
        trip().then(done.step("hotel")).then(done.failing("pay", |_| Some(StepError::rejected("declined"))));
    let store = EventStore::<Nothing>::new();
    let sagas = builder(&store).saga(definition).open().await.unwrap();
    soon(sagas.run("trip", "1", &ann())).await.unwrap();
    let events = EventStore::<SagaEvent, _>::with_backend(store.to_dyn().backend().clone());
    let names: Vec<_> = events
        .get_events("saga-trip-1")
        .await
        .unwrap()
        .iter()
        .map(allframe_cqrs::EventTypeName::variant_index)
        .map(|index| <SagaEvent as allframe_cqrs::EventTypeName>::variants()[index].name)
        .collect();
    assert_eq!(
        names,
        [
            "$saga.started",
            "$saga.step-begun",
            "$saga.step-completed",
            "$saga.step-begun",
            "$saga.step-failed",
            "$saga.compensation-begun",
            "$saga.undo-begun",
            "$saga.step-undone",
            "$saga.compensated"
        ]
    );
}

/// An error that cannot even be told.
#[derive(Debug)]
struct Unspeakable;

impl std::fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("it panics as it should")
    }
}

impl std::error::Error for Unspeakable {}

#[tokio::test]
async fn an_error_that_panics_where_it_is_told_is_an_error_all_the_same() {
    let done = Done::default();
    let definition = trip().then(done.failing("pay", |_| Some(StepError::rejected(Unspeakable))));
    let sagas = builder(&EventStore::<Nothing>::new()).saga(definition).open().await.unwrap();
    let outcome = soon(sagas.run("trip", "1", &ann())).await.unwrap();
    assert!(matches!(outcome, SagaOutcome::Compensated { reason } if reason.contains("did not say why")));
    assert_eq!(done.count("pay"), 1);
}
