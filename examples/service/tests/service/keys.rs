//! Requests that are sent again.

use reqwest::StatusCode;
use serde_json::json;
use tempfile::TempDir;

use crate::process::{Answer, Service};

#[tokio::test]
async fn a_command_that_is_sent_again_with_its_key_has_the_first_answer_and_is_stored_once() {
    let directory = TempDir::new().unwrap();
    let body = json!({ "customer": "ann", "amount": 700 });
    let service = Service::on(directory.path(), &[]).await;
    let send = async |service: &Service| {
        Answer::of(service.post("TopUpWallet", &body).header("idempotency-key", "order-17")).await
    };
    let first = send(&service).await;
    let second = send(&service).await;
    // Also where the process has been another one meanwhile.
    service.ends_well().await;
    let service = Service::on(directory.path(), &[]).await;
    let third = send(&service).await;

    assert_eq!(first.header("idempotency-replayed"), None);
    for again in [&second, &third] {
        assert_eq!((again.status, &again.body), (StatusCode::OK, &first.body));
        assert_eq!(again.position(), first.position());
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
    }
    let wallet = service.get("/wallets/ann").header("event-position", first.position());
    assert_eq!(Answer::of(wallet).await.body["credit"], 700);
}

#[tokio::test]
async fn two_at_once_with_one_key_are_carried_out_once() {
    let service = Service::in_memory().await;
    let body = json!({ "customer": "ann", "amount": 700 });
    let send =
        || async { Answer::of(service.post("TopUpWallet", &body).header("idempotency-key", "k")).await };
    let (one, other) = tokio::join!(send(), send());
    assert_eq!((one.status, &one.body), (StatusCode::OK, &other.body));
    let wallet = service.get("/wallets/ann").header("event-position", one.position());
    assert_eq!(Answer::of(wallet).await.body["credit"], 700);
}

#[tokio::test]
async fn a_key_belongs_to_one_command() {
    let service = Service::in_memory().await;
    let send = async |amount: u64| {
        let body = json!({ "customer": "ann", "amount": amount });
        Answer::of(service.post("TopUpWallet", &body).header("idempotency-key", "k")).await
    };
    assert_eq!(send(700).await.status, StatusCode::OK);
    let other = send(800).await;
    assert_eq!((other.status, &other.body["type"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("key_reused")));
}

/// Without one, each is a command of its own.
#[tokio::test]
async fn a_key_that_cannot_be_one_is_refused_and_nothing_is_done() {
    let service = Service::in_memory().await;
    let body = json!({ "customer": "ann", "amount": 700 });
    for key in [&b""[..], "gr\u{fc}n".as_bytes(), &[b'k'; 600][..]] {
        let answer = Answer::of(service.post("TopUpWallet", &body).header("idempotency-key", key)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
    }
    assert_eq!(Answer::of(service.get("/wallets/ann")).await.status, StatusCode::NOT_FOUND);
}
