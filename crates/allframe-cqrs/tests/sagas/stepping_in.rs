use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use allframe_cqrs::{
    EventStore, ManualClock,
    saga::{
        OnFailure, SagaError, SagaId, SagaOrchestrator, SagaOutcome, SagaStatus, SagaStep, StepContext,
        StepError, StepProgress,
    },
};

use crate::trips::{Done, Nothing, Trip, ann, builder, soon, trip};

fn id() -> SagaId {
    SagaId::new("trip", "1").unwrap()
}

/// A saga that waits for a person at `pay`, as long as the bank is closed.
async fn parked(done: &Done) -> (EventStore<Nothing>, SagaOrchestrator, Arc<AtomicBool>) {
    let open = Arc::new(AtomicBool::new(false));
    let pay = {
        let open = Arc::clone(&open);
        done.failing("pay", move |_| {
            (!open.load(Ordering::SeqCst)).then(|| StepError::rejected("the bank is closed"))
        })
    };
    let definition =
        trip()
            .then(done.step("hotel"))
            .then(pay.on_failure(OnFailure::Park))
            .then(SagaStep::new("tickets", |context: StepContext<Trip>| async move {
                context.output::<String>("pay")
            }));
    let store = EventStore::<Nothing>::new();
    let sagas = builder(&store).saga(definition).open().await.unwrap();
    let outcome = soon(sagas.run("trip", "1", &ann())).await.unwrap();
    assert!(matches!(outcome, SagaOutcome::Parked { .. }));
    (store, sagas, open)
}

#[tokio::test]
async fn what_failed_is_tried_again_when_a_person_says_so() {
    let done = Done::default();
    let (_store, sagas, open) = parked(&done).await;
    open.store(true, Ordering::SeqCst);
    sagas.sagas().retry(&id(), "the bank answers again").await.unwrap();
    assert!(soon(sagas.wait_for_end(&id())).await.unwrap().is_completed());
    assert_eq!(done.count("pay"), 2);
}

#[tokio::test]
async fn what_a_person_has_done_by_hand_counts_as_done() {
    let done = Done::default();
    let (_store, sagas, _) = parked(&done).await;
    sagas.sagas().resume(&id(), &"in cash", "paid at the desk").await.unwrap();
    let outcome = soon(sagas.wait_for_end(&id())).await.unwrap();
    assert_eq!(outcome.output::<String>("tickets").unwrap(), "in cash");
    assert_eq!(done.count("pay"), 1);
}

#[tokio::test]
async fn a_saga_turns_round_when_a_person_says_so_also_one_that_was_completed() {
    let done = Done::default();
    let (_store, sagas, open) = parked(&done).await;
    sagas.sagas().compensate(&id(), "she stays at home").await.unwrap();
    let outcome = soon(sagas.wait_for_end(&id())).await.unwrap();
    assert_eq!(outcome, SagaOutcome::Compensated { reason: "she stays at home".into() });
    assert_eq!(done.all().last().unwrap(), r#"unhotel Some("hotel is done")"#);

    open.store(true, Ordering::SeqCst);
    let other = SagaId::new("trip", "2").unwrap();
    assert!(soon(sagas.run("trip", "2", &ann())).await.unwrap().is_completed());
    sagas.sagas().compensate(&other, "she stays at home").await.unwrap();
    assert!(matches!(soon(sagas.wait_for_end(&other)).await.unwrap(), SagaOutcome::Compensated { .. }));
    assert_eq!(done.count(r#"unpay Some("pay is done")"#), 1);
}

#[tokio::test]
async fn a_saga_that_is_abandoned_ends_as_it_is() {
    let done = Done::default();
    let (_store, sagas, _) = parked(&done).await;
    sagas.sagas().abandon(&id(), "never mind").await.unwrap();
    assert_eq!(
        soon(sagas.wait_for_end(&id())).await.unwrap(),
        SagaOutcome::Abandoned { reason: "never mind".into() }
    );
    assert_eq!(done.all(), ["hotel", "pay"]);
    let again = sagas.sagas().retry(&id(), "").await;
    assert!(matches!(again, Err(SagaError::NotNow { status: "abandoned", .. })), "{again:?}");
    let nobody = sagas.sagas().retry(&SagaId::new("trip", "9").unwrap(), "").await;
    assert!(matches!(nobody, Err(SagaError::NotFound { .. })));
}

#[tokio::test]
async fn a_person_may_step_in_while_a_step_is_under_way() {
    let done = Done::default();
    let begun = done.clone();
    let step = SagaStep::new("flight", move |_: StepContext<Trip>| {
        begun.note("flight");
        std::future::pending::<Result<(), StepError>>()
    });
    let store = EventStore::<Nothing>::new();
    let sagas = builder(&store).saga(trip().then(done.step("hotel")).then(step)).open().await.unwrap();
    sagas.start("trip", "1", &ann()).await.unwrap();
    soon(async {
        while done.count("flight") == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    sagas.sagas().abandon(&id(), "never mind").await.unwrap();
    assert!(matches!(soon(sagas.wait_for_end(&id())).await.unwrap(), SagaOutcome::Abandoned { .. }));
}

#[tokio::test]
async fn a_saga_is_listed_and_shown_with_all_that_is_known_of_it() {
    let done = Done::default();
    let (_store, sagas, _) = parked(&done).await;
    let listed = sagas.sagas().list(|_| true).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].saga.clone(), listed[0].status), (id(), SagaStatus::Parked));
    assert_eq!(listed[0].reason.as_deref(), Some("the step `pay` failed: the bank is closed"));
    assert!(sagas.sagas().list(|saga| saga.status.has_ended()).await.unwrap().is_empty());

    let shown = sagas.sagas().show(&id()).await.unwrap();
    let steps: Vec<_> = shown.steps.iter().map(|step| (&*step.name, step.progress, step.attempts)).collect();
    assert_eq!(steps, [("hotel", StepProgress::Completed, 1), ("pay", StepProgress::Failed, 1)]);
    assert_eq!(shown.steps[1].failure.as_deref(), Some("the bank is closed"));
    assert_eq!(shown.history.len(), 6);
    assert_eq!((shown.status, shown.next_deadline), (SagaStatus::Parked, None));
}

#[tokio::test]
async fn what_is_resumed_is_what_the_saga_was_parked_for() {
    let (second, first) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let step = |name: &'static str, waits_for: &Arc<AtomicBool>, tells: &Arc<AtomicBool>| {
        let (waits_for, tells) = (Arc::clone(waits_for), Arc::clone(tells));
        SagaStep::new(name, move |_: StepContext<Trip>| {
            let (waits_for, tells) = (Arc::clone(&waits_for), Arc::clone(&tells));
            async move {
                tells.store(true, Ordering::SeqCst);
                while !waits_for.load(Ordering::SeqCst) {
                    tokio::task::yield_now().await;
                }
                Err::<String, _>(StepError::rejected("no"))
            }
        })
        .on_failure(OnFailure::Park)
    };
    // `hotel` is begun first, and fails last.
    let definition = trip().step(step("hotel", &second, &first)).step(step("flight", &first, &second));
    let store = EventStore::<Nothing>::new();
    let sagas = builder(&store).saga(definition).open().await.unwrap();
    for answer in ["one", "other"] {
        let SagaOutcome::Parked { reason } = soon(sagas.run("trip", "1", &ann())).await.unwrap() else {
            panic!("it is not parked")
        };
        let failed = if reason.contains("hotel") { "hotel" } else { "flight" };
        sagas.sagas().resume(&id(), &format!("{failed} by hand"), answer).await.unwrap();
        soon(async {
            while !sagas
                .sagas()
                .show(&id())
                .await
                .unwrap()
                .steps
                .iter()
                .any(|step| &*step.name == failed && step.progress == StepProgress::Completed)
            {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    let outcome = soon(sagas.wait_for_end(&id())).await.unwrap();
    assert_eq!(outcome.output::<String>("hotel").unwrap(), "hotel by hand");
    assert_eq!(outcome.output::<String>("flight").unwrap(), "flight by hand");
}

#[tokio::test]
async fn a_condition_that_failed_is_asked_again_when_a_person_says_so() {
    let done = Done::default();
    let known = Arc::new(AtomicBool::new(false));
    let asks = Arc::clone(&known);
    let step = done
        .step("visa")
        .when(move |_| match asks.load(Ordering::SeqCst) {
            true => Ok(false),
            false => Err(StepError::rejected("nobody knows")),
        })
        .on_failure(OnFailure::Park);
    let store = EventStore::<Nothing>::new();
    let sagas = builder(&store).saga(trip().then(step)).open().await.unwrap();
    soon(sagas.run("trip", "1", &ann())).await.unwrap();
    known.store(true, Ordering::SeqCst);
    sagas.sagas().retry(&id(), "").await.unwrap();
    assert!(soon(sagas.wait_for_end(&id())).await.unwrap().is_completed());
    assert_eq!(done.count("visa"), 0);
}

#[tokio::test]
async fn what_a_person_has_tried_again_is_not_turned_round_for_its_time_was_over() {
    let done = Done::default();
    let clock = ManualClock::new();
    let open = Arc::new(AtomicBool::new(false));
    let asks = Arc::clone(&open);
    let pay = done
        .failing("pay", move |_| (!asks.load(Ordering::SeqCst)).then(|| StepError::rejected("closed")))
        .on_failure(OnFailure::Park);
    let definition = trip().then(done.step("hotel")).then(pay).with_timeout(Duration::from_secs(3_600));
    let store = EventStore::<Nothing>::new();
    let sagas = builder(&store).with_clock(clock.clone()).saga(definition).open().await.unwrap();
    soon(sagas.run("trip", "1", &ann())).await.unwrap();
    clock.advance(Duration::from_secs(86_400));
    open.store(true, Ordering::SeqCst);
    sagas.sagas().retry(&id(), "the bank answers again").await.unwrap();
    assert!(soon(sagas.wait_for_end(&id())).await.unwrap().is_completed());
}
