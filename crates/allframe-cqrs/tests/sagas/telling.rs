//! What sagas tell those who watch.

use allframe_cqrs::{EventStore, saga::StepError};

use crate::{
    support::listener::listen,
    trips::{Done, Nothing, ann, builder, soon, trip},
};

#[test]
fn the_span_of_an_attempt_says_of_what_it_is_and_what_that_belongs_to() {
    let told = listen("saga_step", async {
        let done = Done::default();
        let declined = done.failing("pay", |_| Some(StepError::rejected("declined")));
        let store = EventStore::<Nothing>::new();
        let sagas =
            builder(&store).saga(trip().then(done.step("hotel")).then(declined)).open().await.unwrap();
        soon(sagas.run("trip", "1", &ann())).await.unwrap();
    });
    let attempts: Vec<_> = told.iter().map(|span| (span.field("step"), span.field("undo"))).collect();
    let (no, yes) = (Some("false"), Some("true"));
    assert_eq!(attempts, [(Some("hotel"), no), (Some("pay"), no), (Some("hotel"), yes)]);
    for span in &told {
        assert_eq!((span.field("saga"), span.field("correlation_id")), (Some("trip-1"), Some("saga-trip-1")));
    }
}

#[cfg(feature = "metrics")]
#[test]
fn sagas_are_counted_by_what_becomes_of_them_and_their_time_is_measured() {
    use allframe_cqrs::saga::OnFailure;

    use crate::support::recorder::{pairs, recorded};

    let told = recorded(async {
        let done = Done::default();
        let parks =
            done.failing("pay", |_| Some(StepError::rejected("declined"))).on_failure(OnFailure::Park);
        let undone = done.failing("pay", |_| Some(StepError::rejected("declined")));
        let store = EventStore::<Nothing>::new();
        let sagas = builder(&store)
            .saga(trip().then(done.step("hotel")))
            .saga(allframe_cqrs::saga::SagaDefinition::new("parks").then(parks))
            .saga(allframe_cqrs::saga::SagaDefinition::new("undone").then(undone))
            .open()
            .await
            .unwrap();
        for saga in ["trip", "parks", "undone"] {
            soon(sagas.run(saga, "1", &ann())).await.unwrap();
        }
        sagas.close().await;
    });
    assert_eq!(
        told.counted(),
        pairs(&[
            ("allframe_saga_failed_attempts_total{saga=parks}", 1),
            ("allframe_saga_failed_attempts_total{saga=undone}", 1),
            ("allframe_sagas_total{saga=parks,outcome=parked}", 1),
            ("allframe_sagas_total{saga=parks,outcome=started}", 1),
            ("allframe_sagas_total{saga=trip,outcome=completed}", 1),
            ("allframe_sagas_total{saga=trip,outcome=started}", 1),
            ("allframe_sagas_total{saga=undone,outcome=compensated}", 1),
            ("allframe_sagas_total{saga=undone,outcome=started}", 1),
        ])
    );
    assert_eq!(
        told.measured(),
        pairs(&[
            ("allframe_saga_duration_seconds{saga=trip,outcome=completed}", 1),
            ("allframe_saga_duration_seconds{saga=undone,outcome=compensated}", 1),
        ])
    );
    let shown = told.shown();
    assert!(shown.contains(&("allframe_sagas_open{saga=parks,status=parked}".to_owned(), 1.0)), "{shown:?}");
    assert!(shown.contains(&("allframe_sagas_open{saga=parks,status=running}".to_owned(), 0.0)), "{shown:?}");
}

/// What is not there cannot be told from what nobody tells.
#[cfg(feature = "metrics")]
#[test]
fn sagas_of_which_there_is_none_are_shown_as_none() {
    use crate::support::recorder::{pairs, recorded};

    let told = recorded(async {
        let store = EventStore::<Nothing>::new();
        let sagas = builder(&store).saga(trip().then(Done::default().step("hotel"))).open().await.unwrap();
        sagas.close().await;
    });
    assert_eq!(
        told.shown(),
        pairs(&[
            ("allframe_sagas_open{saga=trip,status=parked}", 0.0),
            ("allframe_sagas_open{saga=trip,status=running}", 0.0),
        ])
    );
}
