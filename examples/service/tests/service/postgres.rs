//! On a PostgreSQL server: several processes on one store, and a server that is away.

use postgres_cluster::Cluster;
use reqwest::StatusCode;
use serde_json::json;

use crate::{
    process::{Answer, Service},
    until::until,
};

#[tokio::test]
async fn a_service_whose_server_comes_later_waits_for_it() {
    let mut cluster = Cluster::start().unwrap();
    cluster.kill().unwrap();
    let service = Service::start(&[("SERVICE_STORE", &cluster.url())]).await;
    let ready = Answer::of(service.get("/health/ready")).await;
    assert_eq!((ready.status, &ready.body["phase"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("starting")));
    cluster.restart().unwrap();
    service.becomes_ready().await;
    service.top_up("ann", 1).await;
    service.ends_well().await;
}

/// Starts a service on the store of a server.
async fn on(cluster: &Cluster) -> Service {
    let service = Service::start(&[("SERVICE_STORE", &cluster.url())]).await;
    service.becomes_ready().await;
    service
}

#[tokio::test]
async fn one_process_sees_what_another_has_been_told_and_both_do_the_work() {
    let cluster = Cluster::start().unwrap();
    let (one, other) = (on(&cluster).await, on(&cluster).await);
    one.publish("yoga", 5).await;
    let paid = one.top_up("ann", 1_500).await;
    let wallet = Answer::of(other.get("/wallets/ann").header("event-position", paid.position())).await;
    assert_eq!(wallet.body, json!({ "credit": 1_500 }));
    other.book("ann-1", "yoga", "ann", 2).await;
    assert_eq!(one.settled("ann-1").await["status"], "confirmed");
    assert_eq!(other.settled("ann-1").await["status"], "confirmed");
    one.comes_to("/wallets/ann", &json!({ "credit": 500 })).await;
    one.ends_well().await;
    other.ends_well().await;
}

#[tokio::test]
async fn while_the_server_is_away_commands_are_to_be_tried_again_and_then_they_are_carried_out_once() {
    let mut cluster = Cluster::start().unwrap();
    let service = on(&cluster).await;
    service.top_up("ann", 1).await;
    let body = json!({ "customer": "ann", "amount": 700 });
    let send = async || Answer::of(service.post("TopUpWallet", &body).header("idempotency-key", "k")).await;

    cluster.kill().unwrap();
    let away = send().await;
    assert_eq!((away.status, &away.body["type"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("unavailable")));
    assert_eq!(away.header("retry-after"), Some("1"));
    let ready = Answer::of(service.get("/health/ready")).await;
    assert_eq!((ready.status, &ready.body["phase"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("serving")));
    assert_ne!(ready.body["store"], "ok");
    assert_eq!(service.get("/health/live").send().await.unwrap().status(), StatusCode::OK);

    cluster.restart().unwrap();
    service.becomes_ready().await;
    let done = until("the command is carried out", async || {
        let answer = send().await;
        (answer.status == StatusCode::OK).then_some(answer)
    })
    .await;
    let wallet = Answer::of(service.get("/wallets/ann").header("event-position", done.position())).await;
    assert_eq!(wallet.body, json!({ "credit": 701 }));
    service.ends_well().await;
}
