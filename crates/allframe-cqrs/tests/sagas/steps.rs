use std::{sync::Arc, time::Duration};

use allframe_cqrs::{
    EventStore, ManualClock,
    saga::{SagaError, SagaId, SagaOutcome, SagaStep, Sagas, StepContext, StepError},
};
use tokio::sync::Barrier;

use crate::support::{Fate, Watched, unavailable};
use crate::trips::{Done, Nothing, Trip, ann, builder, soon, trip, with_time};

#[tokio::test]
async fn steps_are_carried_out_in_order_and_hand_on_what_they_answer() {
    let done = Done::default();
    let definition = trip().then(done.step("hotel")).then(SagaStep::new(
        "voucher",
        |context: StepContext<Trip>| async move {
            let hotel: String = context.output("hotel")?;
            Ok::<_, StepError>(format!("{}: {hotel}", context.input().traveller))
        },
    ));
    let sagas = builder(&EventStore::<Nothing>::new()).saga(definition).open().await.unwrap();
    let outcome = soon(sagas.run("trip", "1", &ann())).await.unwrap();
    assert_eq!(outcome.output::<String>("voucher").unwrap(), "ann: hotel is done");
    assert_eq!(done.all(), ["hotel"]);
}

#[tokio::test]
async fn steps_that_need_not_wait_for_each_other_run_at_once_and_the_next_waits_for_both() {
    let (done, together) = (Done::default(), Arc::new(Barrier::new(2)));
    let meeting = |name: &'static str| {
        let (done, together) = (done.clone(), Arc::clone(&together));
        SagaStep::new(name, move |_: StepContext<Trip>| {
            let (done, together) = (done.clone(), Arc::clone(&together));
            async move {
                // Alone, it would wait for ever.
                together.wait().await;
                done.note(name);
                Ok::<_, StepError>(())
            }
        })
    };
    let definition = trip()
        .step(meeting("hotel"))
        .step(meeting("flight"))
        .step(done.step("tickets").after(["hotel", "flight"]));
    let sagas = builder(&EventStore::<Nothing>::new()).saga(definition).open().await.unwrap();
    assert!(soon(sagas.run("trip", "1", &ann())).await.unwrap().is_completed());
    assert_eq!(done.all().last().unwrap(), "tickets");
}

#[tokio::test]
async fn a_step_whose_condition_does_not_hold_is_skipped_and_those_behind_it_go_on() {
    let done = Done::default();
    let definition = trip()
        .then(done.step("hotel"))
        .then(done.step("visa").when(|context| Ok(context.input().traveller != "ann")))
        .then(done.step("flight").when(|context| Ok(context.try_output::<String>("visa")?.is_none())));
    let sagas = builder(&EventStore::<Nothing>::new()).saga(definition).open().await.unwrap();
    let outcome = soon(sagas.run("trip", "1", &ann())).await.unwrap();
    assert_eq!(done.all(), ["hotel", "flight"]);
    assert!(outcome.output::<String>("visa").is_err());
}

#[tokio::test]
async fn a_step_that_fails_is_tried_again_after_longer_and_longer_waits() {
    let (done, clock) = (Done::default(), ManualClock::new());
    let step = done
        .failing("flight", |attempt| (attempt < 4).then(|| StepError::retryable("sold out for now")))
        .with_backoff(allframe_cqrs::Backoff::new(Duration::from_secs(3600), Duration::from_secs(86_400)));
    let sagas = builder(&EventStore::<Nothing>::new())
        .with_clock(clock.clone())
        .saga(trip().then(step))
        .open()
        .await
        .unwrap();
    let begun = clock_now(&clock);
    let outcome = with_time(&clock, sagas.run("trip", "1", &ann())).await.unwrap();
    assert!(outcome.is_completed());
    assert_eq!(done.count("flight"), 4);
    // One hour, two and four.
    assert_eq!((clock_now(&clock) - begun) / 3_600_000_000, 7);
}

fn clock_now(clock: &ManualClock) -> i64 {
    allframe_cqrs::Clock::now(clock).as_micros()
}

#[tokio::test]
async fn a_saga_is_started_once_however_often_it_is_and_another_of_its_id_is_refused() {
    let done = Done::default();
    let definition = trip().then(done.step("hotel"));
    let sagas = builder(&EventStore::<Nothing>::new()).saga(definition).open().await.unwrap();
    for _ in 0..3 {
        assert!(soon(sagas.run("trip", "1", &ann())).await.unwrap().is_completed());
    }
    assert_eq!(done.count("hotel"), 1);
    let other = sagas.start("trip", "1", &Trip { traveller: "bob".into() }).await;
    assert!(matches!(other, Err(SagaError::IdTaken { .. })));
    assert!(matches!(sagas.start("trips", "1", &ann()).await, Err(SagaError::NoDefinition { .. })));
    assert!(matches!(sagas.start("trip", "2", &7).await, Err(SagaError::WrongInput { .. })));
}

#[tokio::test]
async fn what_takes_too_long_is_given_up_and_may_have_been_done() {
    let (done, clock) = (Done::default(), ManualClock::new());
    let undone = done.clone();
    let step =
        SagaStep::new("flight", |_: StepContext<Trip>| std::future::pending::<Result<u32, StepError>>())
            .compensate(move |_, seat| {
                let undone = undone.clone();
                async move {
                    undone.note(format!("{seat:?}"));
                    Ok(())
                }
            })
            .with_timeout(Duration::from_secs(7_200))
            .with_max_attempts(1.try_into().unwrap());
    let sagas = builder(&EventStore::<Nothing>::new())
        .with_clock(clock.clone())
        .saga(trip().then(step))
        .open()
        .await
        .unwrap();
    let outcome = with_time(&clock, sagas.run("trip", "1", &ann())).await.unwrap();
    assert!(matches!(outcome, SagaOutcome::Compensated { reason } if reason.contains("too long")));
    assert_eq!(done.all(), ["None"]);
}

#[tokio::test]
async fn a_step_whose_answer_cannot_be_stored_has_failed_and_may_have_been_done() {
    let done = Done::default();
    let undone = done.clone();
    let step = SagaStep::new("flight", |_: StepContext<Trip>| async {
        Ok::<_, StepError>("x".repeat(allframe_cqrs::api::limits::MAX_PAYLOAD_BYTES))
    })
    .compensate(move |_, _| {
        undone.note("unflight");
        async { Ok(()) }
    })
    .with_max_attempts(1.try_into().unwrap());
    let sagas = builder(&EventStore::<Nothing>::new()).saga(trip().then(step)).open().await.unwrap();
    let outcome = soon(sagas.run("trip", "1", &ann())).await.unwrap();
    assert!(matches!(outcome, SagaOutcome::Compensated { reason } if reason.contains("cannot be stored")));
    assert_eq!(done.all(), ["unflight"]);
}

#[tokio::test]
async fn an_error_that_says_too_much_is_cut() {
    let long = |_| Some(StepError::rejected("ä".repeat(1 << 20)));
    let definition = trip().then(Done::default().failing("pay", long));
    let sagas = builder(&EventStore::<Nothing>::new()).saga(definition).open().await.unwrap();
    let outcome = soon(sagas.run("trip", "1", &ann())).await.unwrap();
    assert!(matches!(outcome, SagaOutcome::Compensated { reason } if reason.len() < 10_000));
}

#[tokio::test]
async fn what_was_done_while_the_store_did_not_answer_is_stored_when_it_does_and_not_done_again() {
    let (done, clock) = (Done::default(), ManualClock::new());
    // The sign of life and the beginning go through, what the step has come to does not for a while.
    let store = EventStore::<Nothing, _>::with_backend(Watched::with_fates(|append| match append {
        3..9 => Fate::Fails(unavailable()),
        _ => Fate::Goes,
    }));
    let sagas =
        builder(&store).with_clock(clock.clone()).saga(trip().then(done.step("hotel"))).open().await.unwrap();
    assert!(with_time(&clock, sagas.run("trip", "1", &ann())).await.unwrap().is_completed());
    assert_eq!(done.all(), ["hotel"]);
}

#[tokio::test]
async fn what_is_done_or_undone_is_in_the_stream_before_it_is() {
    let store = EventStore::<Nothing>::new();
    let (done, seen) = (Done::default(), Sagas::of(&store));
    let look = move |seen: Sagas, done: Done, id: SagaId| async move {
        let last = seen.show(&id).await.unwrap().history.pop().unwrap();
        done.note(last.record.event_type.to_string());
    };
    let (forward, back) = ((seen.clone(), done.clone()), (seen, done.clone()));
    let step = SagaStep::new("hotel", move |context: StepContext<Trip>| {
        let (seen, done) = forward.clone();
        async move {
            look(seen, done, context.saga().clone()).await;
            Ok::<_, StepError>(())
        }
    })
    .compensate(move |context, _| {
        let (seen, done) = back.clone();
        async move {
            look(seen, done, context.saga().clone()).await;
            Ok(())
        }
    });
    let refused = Done::default().failing("pay", |_| Some(StepError::rejected("declined")));
    let sagas = builder(&store).saga(trip().then(step).then(refused)).open().await.unwrap();
    soon(sagas.run("trip", "1", &ann())).await.unwrap();
    assert_eq!(done.all(), ["$saga.step-begun", "$saga.undo-begun"]);
}
