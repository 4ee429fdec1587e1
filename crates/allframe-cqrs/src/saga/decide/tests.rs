use super::*;
use crate::saga::{SagaDefinition, SagaStep, StepContext, event::Started};

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn begun(step: &str) -> SagaEvent {
    SagaEvent::StepBegun { step: step.to_owned(), attempt: 1, deadline: at(100), order: None }
}

fn completed(step: &str) -> SagaEvent {
    SagaEvent::StepCompleted { step: step.to_owned(), output: serde_json::Value::Null }
}

fn failed(step: &str, retry_at: Timestamp) -> AttemptFailed {
    AttemptFailed {
        step: step.to_owned(),
        attempt: 1,
        error: "sold out".to_owned(),
        kind: StepErrorKind::Retryable,
        retry_at: Some(retry_at),
        due: None,
    }
}

fn state_after(history: &[SagaEvent]) -> SagaState {
    let mut state = SagaState::default();
    for (version, event) in (1..).zip(history) {
        state.apply(event, Version::new(version), at(1));
    }
    state
}

#[test]
fn what_waits_for_an_attempt_that_is_made_is_not_due_before_that_has_ended() {
    let flight = SagaStep::new("flight", |_: StepContext<()>| async { Ok(()) });
    let definition = SagaDefinition::new("trip").step(flight);
    let saga = SagaId::new("trip", "1").unwrap();
    let mut state = state_after(&[
        SagaEvent::Started(Started::default()),
        begun("hotel"),
        begun("flight"),
        SagaEvent::StepFailed(failed("hotel", at(5))),
    ]);
    // The step `hotel` is gone: a person looks at it, once `flight` has ended.
    let live = ["flight".into()];
    let mut decided = Vec::new();
    let busy = Decider { steps: &definition.steps, saga: &saga, now: at(10), live: &live };
    busy.decide(&mut state, Version::new(4), &mut decided);
    assert_eq!((decided.len(), busy.due(&state)), (0, None));
    let idle = Decider { live: &[], ..busy };
    idle.decide(&mut state, Version::new(4), &mut decided);
    assert!(matches!(&decided[..], [SagaEvent::Parked { step: Some(step), .. }] if step == "hotel"));
}

/// Whoever is woken for what is due and finds nothing to do is woken for it again, at once and for ever. So it must not be with any
/// moment that stands in a stream, whoever wrote it there.
#[test]
fn what_is_due_is_decided_or_still_to_come_whatever_moments_a_history_names() {
    let step = |name: &'static str| {
        SagaStep::new(name, |_: StepContext<()>| async { Ok(()) }).compensate(|_, _| async { Ok(()) })
    };
    let definition = SagaDefinition::new("trip").step(step("flight")).step(step("hotel"));
    let saga = SagaId::new("trip", "1").unwrap();
    let begins_later = || SagaEvent::Started(Started { not_before: Some(at(1_000)), ..Started::default() });
    let histories = [
        (
            "a step that is tried again before anything is to be done",
            vec![begins_later(), begun("hotel"), SagaEvent::StepFailed(failed("hotel", at(5)))],
        ),
        (
            "a step that is undone again before its turn",
            vec![
                SagaEvent::Started(Started::default()),
                begun("flight"),
                completed("flight"),
                begun("hotel"),
                completed("hotel"),
                SagaEvent::CompensationBegun { reason: "no".to_owned() },
                SagaEvent::UndoFailed(failed("flight", at(5))),
            ],
        ),
    ];
    for (which, history) in histories {
        let mut state = state_after(&history);
        let idle = Decider { steps: &definition.steps, saga: &saga, now: at(10), live: &[] };
        idle.decide(&mut state, Version::new(9), &mut Vec::new());
        let live: Vec<Arc<str>> = idle.attempts(&state).map(|(step, _)| Arc::clone(&step.name)).collect();
        let due = Decider { live: &live, ..idle }.due(&state);
        assert!(due.is_none_or(|due| due > at(10)), "{which}: {due:?}");
    }
}
