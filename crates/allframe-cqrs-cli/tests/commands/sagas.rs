use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use allframe_cqrs::{
    EventStore,
    saga::{
        OnFailure, SagaDefinition, SagaEvent, SagaId, SagaOrchestrator, SagaOutcome, SagaStep, StepContext,
        StepError,
    },
};
use eventstore_api::EventStoreBackend;
use eventstore_wal::WalBackend;
use insta::assert_snapshot;

use crate::support::Place;

/// As orchestrators write: one that is done, one that is parked, one that has turned round.
const SAGAS: &str = r#"
{"stream":"saga-trip-ann","type":"$saga.started","data":{"input":{"budget":500},"version":1,"correlation_id":"trip-ann","worker":"w1"}}
{"stream":"saga-trip-ann","type":"$saga.step-begun","data":{"step":"pay","attempt":1,"deadline":1357034400000000}}
{"stream":"saga-trip-ann","type":"$saga.step-completed","data":{"step":"pay","output":"room 7 is paid"}}
{"stream":"saga-trip-ann","type":"$saga.completed","data":{}}
{"stream":"saga-trip-bob","type":"$saga.started","data":{"input":{"budget":100},"version":1,"correlation_id":"trip-bob","worker":"w1"}}
{"stream":"saga-trip-bob","type":"$saga.step-begun","data":{"step":"pay","attempt":1,"deadline":1357034400000000}}
{"stream":"saga-trip-bob","type":"$saga.step-failed","data":{"step":"pay","attempt":1,"error":"the bank does not answer","kind":"retryable"}}
{"stream":"saga-trip-bob","type":"$saga.parked","data":{"reason":"the step `pay` failed: the bank does not answer","step":"pay"}}
{"stream":"saga-flight-7","type":"$saga.started","data":{"input":7,"version":1,"correlation_id":"c"}}
"#;

fn with_sagas() -> Place {
    let place = Place::new();
    place.import(SAGAS);
    place
}

#[test]
fn they_are_listed() {
    let place = with_sagas();
    assert_snapshot!(place.run("sagas"));
    assert_snapshot!(place.run("sagas trip --json"));
    assert_snapshot!(place.run("sagas --status parked"));
    assert_snapshot!(place.run("sagas nobody"));
    // There are some of the type.
    assert_eq!(place.succeed("sagas trip --status abandoned"), "there are no such sagas\n");
}

#[test]
fn one_is_shown_with_its_steps_and_its_history() {
    let place = with_sagas();
    assert_snapshot!(place.run("sagas show trip bob"));
    assert_snapshot!(place.run("sagas show trip ann --json"));
    assert_snapshot!(place.run("sagas show trip nobody"));
}

#[test]
fn a_person_steps_in() {
    let status = |place: &Place| -> String {
        let shown: serde_json::Value =
            serde_json::from_str(&place.succeed("sagas show trip bob --json")).unwrap();
        shown["status"].as_str().unwrap().to_owned()
    };
    for (arguments, told, then) in [
        ("sagas retry trip bob --note again", "trip-bob is tried again\n", "running"),
        ("sagas resume trip bob --output {\"paid\":true}", "trip-bob goes on\n", "running"),
        ("sagas compensate trip bob --reason late", "trip-bob turns round\n", "compensating"),
        ("sagas abandon trip bob --reason late", "trip-bob has ended as it is\n", "abandoned"),
    ] {
        let place = with_sagas();
        assert_eq!(place.succeed(arguments), told);
        assert_eq!(status(&place), then, "{arguments}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn what_is_decided_is_said_to_be_stored_where_it_cannot_be_told() {
    for options in ["", " --json"] {
        let place = with_sagas();
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = place.command(&format!("sagas abandon trip bob --reason late{options}"));
        let outcome = crate::support::Outcome::from(command.stdout(full).output().unwrap());
        assert_eq!(outcome.code, Some(1), "{outcome}");
        let said = "trip-bob has ended as it is, which is stored and could not be told: cannot write to standard output";
        assert!(outcome.stderr.contains(said), "{outcome}");
        assert!(outcome.stderr.contains("`sagas show TYPE ID`"), "{outcome}");
        assert!(place.succeed("sagas show trip bob --json").contains("\"abandoned\""));
    }
}

#[test]
fn what_a_step_would_have_answered_is_stored_as_the_json_that_was_said() {
    for (said, stored) in [
        (Some("{\"ok\":[true,1.5]}"), serde_json::json!({"ok": [true, 1.5]})),
        (Some("5"), serde_json::json!(5)),
        (Some("\"paid\""), serde_json::json!("paid")),
        (None, serde_json::Value::Null),
    ] {
        let place = with_sagas();
        match said {
            Some(said) => assert_eq!(place.run_with("sagas resume trip bob --output", said).code, Some(0)),
            None => assert_eq!(place.run("sagas resume trip bob").code, Some(0)),
        }
        let exported = place.succeed("export -");
        let resumed: serde_json::Value = serde_json::from_str(exported.lines().last().unwrap()).unwrap();
        assert_eq!(resumed["type"], "$saga.resumed", "{resumed}");
        assert_eq!(resumed["data"]["output"], stored, "{resumed}");
    }
}

#[test]
fn an_answer_that_is_no_json_is_wrong_usage_and_opens_no_store() {
    // There is none.
    let place = Place::new();
    for said in ["not json {", "{\"ok\":true", "paid"] {
        let outcome = place.run_with("sagas resume trip bob --output", said);
        assert_eq!(outcome.code, Some(2), "{said}: {outcome}");
        assert!(outcome.stderr.contains("it is no JSON"), "{said}: {outcome}");
    }
}

#[test]
fn what_cannot_be_done_now_ends_with_a_code_of_its_own() {
    let place = with_sagas();
    assert_snapshot!(place.run("sagas resume trip ann"));
    assert_snapshot!(place.run("sagas retry flight 7 --json"));
    assert_snapshot!(place.run("sagas abandon trip nobody --reason late"));
    // Why is asked of whoever has it undone.
    assert_eq!(place.run("sagas compensate trip bob").code, Some(2));
}

/// A saga whose only step fails until the bank answers, and has it wait for a person.
fn paying(failures: Arc<AtomicU32>) -> SagaDefinition<u32> {
    let pay = SagaStep::new("pay", move |_: StepContext<u32>| {
        let failures = Arc::clone(&failures);
        async move {
            match failures.load(Ordering::Relaxed) {
                0 => Ok("paid".to_owned()),
                _ => Err(StepError::retryable("the bank does not answer")),
            }
        }
    });
    SagaDefinition::new("trip").then(pay.with_max_attempts(NonZeroU32::MIN).on_failure(OnFailure::Park))
}

/// Drives the sagas of the store as their program would.
async fn drive(place: &Place, failures: u32) -> (SagaOrchestrator, EventStore<SagaEvent, WalBackend>) {
    let store = EventStore::with_backend(WalBackend::production(place.path("data")).unwrap());
    let saga = paying(Arc::new(AtomicU32::new(failures)));
    let sagas = SagaOrchestrator::builder(&store).with_worker_name("w").saga(saga).open().await.unwrap();
    (sagas, store)
}

#[test]
fn the_program_that_drives_a_saga_does_what_was_asked_for() {
    let place = Place::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let saga = SagaId::new("trip", "bob").unwrap();
    runtime.block_on(async {
        let (sagas, store) = drive(&place, 1).await;
        let run = sagas.run("trip", "bob", &7).await.unwrap();
        assert!(matches!(run, SagaOutcome::Parked { .. }), "{run:?}");
        sagas.close().await;
        store.backend().close().await.unwrap();
    });
    assert!(place.succeed("sagas --status parked --json").contains(r#""id":"bob","status":"parked""#));
    place.succeed("sagas retry trip bob");
    runtime.block_on(async {
        let (sagas, store) = drive(&place, 0).await;
        assert!(sagas.wait_for_end(&saga).await.unwrap().is_completed());
        sagas.close().await;
        store.backend().close().await.unwrap();
    });
    assert!(place.succeed("sagas trip --json").contains(r#""status":"completed""#));
}

#[test]
fn an_event_that_cannot_be_read_is_told_where_they_are_listed() {
    let place = with_sagas();
    place.import(r#"{"stream":"saga-trip-cid","type":"$saga.started","data":{"x":1}}"#);
    for command in ["sagas", "sagas --json"] {
        let outcome = place.run(command);
        assert!(
            outcome.stderr.starts_with("note: ") && outcome.stderr.contains("saga-trip-cid"),
            "{outcome}"
        );
    }
}

#[test]
fn a_type_of_which_none_can_be_read_is_said_to_be_there() {
    let place = with_sagas();
    place.import(r#"{"stream":"saga-cruise-7","type":"$saga.started","data":{"x":1}}"#);
    for command in ["sagas cruise", "sagas cruise --status parked", "sagas cruise --json"] {
        let outcome = place.run(command);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), ""), "{command}: {outcome}");
        let (note, error) = outcome.stderr.split_once('\n').unwrap();
        assert!(note.starts_with("note: ") && note.contains("saga-cruise-7"), "{command}: {outcome}");
        let told = "there are sagas of the type `cruise`, and none of them can be read";
        assert!(error.contains(told) && error.contains("`inspect` shows"), "{command}: {outcome}");
    }
    // One that can be read is enough.
    place.import(r#"{"stream":"saga-cruise-8","type":"$saga.started","data":{"input":7,"version":1,"correlation_id":"c"}}"#);
    assert_eq!(place.succeed("sagas cruise --json").lines().count(), 1);
}

#[test]
fn of_one_that_cannot_be_read_is_said_how_to_look_at_it() {
    let place = with_sagas();
    place.import(r#"{"stream":"saga-trip-cid","type":"$saga.started","data":{"x":1}}"#);
    for command in ["sagas show trip cid", "sagas retry trip cid", "sagas abandon trip cid --reason late"] {
        let outcome = place.run(command);
        assert_eq!(outcome.code, Some(1), "{command}: {outcome}");
        assert!(outcome.stderr.contains("\nhint: `inspect` shows the events"), "{command}: {outcome}");
    }
    assert!(place.succeed("inspect saga-trip-cid").contains("$saga.started"));
}

/// A field that nobody reads may hold what makes it no JSON.
#[test]
fn an_event_that_is_no_json_is_in_its_history_too() {
    // {"odd":"\xff"}
    const ODD: &str = "eyJvZGQiOiL/In0=";
    let place = with_sagas();
    place.import(&format!(
        r#"{{"stream":"saga-trip-bob","type":"$saga.retried","data_base64":"{ODD}","encoding":1}}"#
    ));
    let shown: serde_json::Value =
        serde_json::from_str(&place.succeed("sagas show trip bob --json")).unwrap();
    let history = shown["history"].as_array().unwrap();
    assert_eq!(history.len(), 5, "{shown}");
    let odd = &history[4];
    assert_eq!((odd["data_base64"].as_str(), odd["encoding"].as_u64()), (Some(ODD), Some(1)), "{shown}");
    assert!(odd.get("data").is_none() && history[3].get("data_base64").is_none(), "{shown}");
}

#[test]
fn what_can_name_no_saga_opens_no_store() {
    // There is none.
    let place = Place::new();
    for arguments in
        ["sagas show no-type bob", "sagas retry no-type bob", "sagas abandon no-type bob --reason x"]
    {
        let outcome = place.run(arguments);
        assert!(outcome.stderr.starts_with("error: `no-type` cannot be taken: "), "{arguments}: {outcome}");
        assert_eq!(outcome.code, Some(2), "{arguments}: {outcome}");
    }
}
