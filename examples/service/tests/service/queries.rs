//! What is read, and how new that is.

use reqwest::StatusCode;
use serde_json::json;

use crate::process::{Answer, Service};

#[tokio::test]
async fn a_query_that_names_the_position_of_a_command_sees_what_it_has_done() {
    let service = Service::in_memory().await;
    for paid_in in 1..=50_u64 {
        let paid = service.top_up("ann", 1).await;
        let wallet = service.get("/wallets/ann").header("event-position", paid.position());
        assert_eq!(Answer::of(wallet).await.body["credit"], paid_in);
    }
}

#[tokio::test]
async fn all_workshops_are_listed_with_what_is_free() {
    let service = Service::in_memory().await;
    service.publish("pottery", 3).await;
    let last = service.publish("yoga", 8).await;
    let listed = Answer::of(service.get("/workshops").header("event-position", last.position())).await;
    let on_offer = |name: &str, seats: u32| json!({ "title": format!("All about {name}"), "seats": seats, "free": seats, "price": 500 });
    assert_eq!(listed.body, json!({ "pottery": on_offer("pottery", 3), "yoga": on_offer("yoga", 8) }));
}

#[tokio::test]
async fn a_position_that_is_none_is_refused() {
    let service = Service::in_memory().await;
    for position in ["soon", "-1", ""] {
        let answer = Answer::of(service.get("/workshops").header("event-position", position)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{position}");
    }
}

/// As one of another store: it is waited for, and not for ever.
#[tokio::test]
async fn a_position_that_does_not_come_is_told_to_try_again() {
    let service = Service::in_memory().await;
    let answer = Answer::of(service.get("/workshops").header("event-position", "1000000")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), Some("1"));
}
