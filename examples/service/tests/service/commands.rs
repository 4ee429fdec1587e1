//! What becomes of commands, and which answer each end has.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    problems::problem,
    process::{Answer, Service},
};

#[tokio::test]
async fn a_command_is_carried_out_and_answers_with_its_events_and_their_position() {
    let service = Service::in_memory().await;
    let answer = service.top_up("ann", 700).await;
    let event = json!({ "WalletToppedUp": { "customer": "ann", "amount": 700 } });
    assert_eq!(answer.body["events"], json!([event]));
    assert_eq!(answer.position(), answer.body["position"].to_string());
}

#[tokio::test]
async fn every_field_that_is_wrong_is_named_at_once() {
    let service = Service::in_memory().await;
    let body = json!({ "workshop": "", "title": 7, "seats": 0 });
    let answer = Answer::of(service.post("PublishWorkshop", &body)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let (kind, mut fields) = problem(&answer);
    fields.sort_unstable();
    assert_eq!(kind, "invalid");
    assert_eq!(
        fields,
        [("price", "required"), ("seats", "minimum"), ("title", "type"), ("workshop", "minLength")]
    );
}

#[tokio::test]
async fn what_is_no_json_is_not_taken_and_what_is_too_long_neither() {
    let service = Service::in_memory().await;
    let broken = Answer::of(service.post("TopUpWallet", &Value::Null).body("{\"customer\":")).await;
    assert_eq!((broken.status, problem(&broken).0), (StatusCode::BAD_REQUEST, "invalid"));
    let long = Answer::of(service.post("TopUpWallet", &json!({ "customer": "a".repeat(70_000) }))).await;
    assert_eq!((long.status, problem(&long).0), (StatusCode::PAYLOAD_TOO_LARGE, "too_large"));
}

#[tokio::test]
async fn what_there_is_not_is_not_found() {
    let service = Service::in_memory().await;
    let unknown = Answer::of(service.post("BurnDown", &json!({}))).await;
    assert_eq!((unknown.status, problem(&unknown).0), (StatusCode::NOT_FOUND, "not_found"));
    let nowhere = Answer::of(service.post("AddSeats", &json!({ "workshop": "yoga", "seats": 1 }))).await;
    assert_eq!((nowhere.status, problem(&nowhere).0), (StatusCode::NOT_FOUND, "not_found"));
    for path in ["/workshops/yoga", "/bookings/1", "/wallets/ann", "/nothing", "/commands/BurnDown/schema"] {
        let answer = Answer::of(service.get(path)).await;
        assert_eq!((answer.status, problem(&answer).0), (StatusCode::NOT_FOUND, "not_found"), "{path}");
    }
}

/// The commands of sagas are of no concern to anybody outside.
#[tokio::test]
async fn a_command_without_a_form_in_json_cannot_be_asked_for() {
    let service = Service::in_memory().await;
    service.publish("yoga", 5).await;
    let body = json!({ "workshop": "yoga", "booking": "mine", "seats": 5 });
    let answer = Answer::of(service.post("HoldSeats", &body)).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(Answer::of(service.get("/workshops/yoga")).await.body["free"], 5);
}

#[tokio::test]
async fn what_the_domain_refuses_is_a_conflict_with_its_words() {
    let service = Service::in_memory().await;
    service.publish("yoga", 5).await;
    let again = json!({ "workshop": "yoga", "title": "Yoga again", "seats": 9, "price": 0 });
    let answer = Answer::of(service.post("PublishWorkshop", &again)).await;
    assert_eq!((answer.status, problem(&answer).0), (StatusCode::CONFLICT, "refused"));
    assert_eq!(answer.body["detail"], "there is a workshop `yoga` already");
}

/// Each is decided on what the others have left: no seat is added twice, and none is lost.
#[tokio::test]
async fn commands_that_meet_at_one_stream_are_all_carried_out() {
    let service = Service::in_memory().await;
    service.publish("yoga", 1).await;
    let body = json!({ "workshop": "yoga", "seats": 1 });
    let add = || async { Answer::of(service.post("AddSeats", &body)).await };
    let (a, b, c, d) = tokio::join!(add(), add(), add(), add());
    let answers = [a, b, c, d];
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK), "{answers:?}");
    let last = answers.iter().max_by_key(|it| it.body["position"].as_u64()).unwrap();
    let workshop = service.get("/workshops/yoga").header("event-position", last.position());
    assert_eq!(Answer::of(workshop).await.body["seats"], 5);
}

#[tokio::test]
async fn the_schema_of_a_command_says_what_it_takes() {
    let service = Service::in_memory().await;
    let schema = Answer::of(service.get("/commands/TopUpWallet/schema")).await.body;
    assert_eq!(schema["properties"]["amount"]["minimum"], 1);
    assert_eq!(schema["required"], json!(["customer", "amount"]));
}
