//! Whether it lives, and whether it is of use.

use reqwest::StatusCode;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{
    process::{Answer, Service, program},
    until::{soon, until},
};

#[tokio::test]
async fn a_service_that_serves_is_ready_and_says_how_its_read_models_are() {
    let service = Service::in_memory().await;
    let ready = Answer::of(service.get("/health/ready")).await;
    assert_eq!(ready.status, StatusCode::OK);
    assert_eq!((&ready.body["phase"], &ready.body["store"]), (&json!("serving"), &json!("ok")));
    let projections = ready.body["projections"].as_array().unwrap();
    let names: Vec<_> = projections.iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["bookings", "catalogue", "wallets"]);
    assert!(projections.iter().all(|it| it["ready"] == true), "{projections:?}");
}

/// Its store is a server that does not answer.
#[tokio::test]
async fn a_service_that_starts_lives_and_is_not_ready_and_can_be_ended() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgresql://nobody@{}/nothing", silent.local_addr().unwrap());
    // It is not waited for: the test has not got that much time.
    let service =
        Service::start(&[("SERVICE_STORE", url.as_str()), ("SERVICE_SHUTDOWN_SECONDS", "3600")]).await;
    let _connection = soon("the connection to the store", silent.accept()).await.unwrap();

    let live = service.get("/health/live").send().await.unwrap();
    assert_eq!(live.status(), StatusCode::OK);
    let ready = Answer::of(service.get("/health/ready")).await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!((&ready.body["ready"], &ready.body["phase"]), (&json!(false), &json!("starting")));
    let command = service.post("TopUpWallet", &json!({ "customer": "ann", "amount": 1 }));
    assert_eq!(Answer::of(command).await.status, StatusCode::SERVICE_UNAVAILABLE);
    service.ends_well().await;
}

/// So that load balancers turn away first.
#[tokio::test]
async fn a_service_that_is_to_end_is_not_ready_and_still_serves() {
    let service = Service::start(&[("SERVICE_DRAIN_SECONDS", "3")]).await;
    service.becomes_ready().await;
    service.terminate();
    let body = until("it is not ready any more", async || {
        let ready = Answer::of(service.get("/health/ready")).await;
        (ready.status == StatusCode::SERVICE_UNAVAILABLE).then_some(ready.body)
    })
    .await;
    assert_eq!(
        (&body["ready"], &body["phase"], &body["store"]),
        (&json!(false), &json!("draining"), &json!("ok"))
    );
    service.top_up("ann", 1).await;
    assert!(service.exited().await.success());
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_ends_it_with_the_reason() {
    let mut program = program(&[("SERVICE_STORE", "paper:./drawer")]);
    let ended = soon("the end", program.output()).await.unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(told.contains("SERVICE_STORE begins with `paper`"), "{told}");
}

/// It is not away, and would not come back as long as the other lives: so it is not waited for.
#[tokio::test]
async fn a_store_that_another_process_has_ends_it_with_the_reason() {
    let directory = TempDir::new().unwrap();
    let first = Service::on(directory.path(), &[]).await;
    let store = format!("wal:{}", directory.path().display());
    let ended = soon("the end", program(&[("SERVICE_STORE", &store)]).output()).await.unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(told.contains("another has the store open") && told.contains(&store["wal:".len()..]), "{told}");
    first.top_up("ann", 1).await;
    first.ends_well().await;
}
