//! Whatever fails has one form.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::process::{Answer, Service};

/// The type of a problem, and the fields that it names with why.
pub(crate) fn problem(answer: &Answer) -> (&str, Vec<(&str, &str)>) {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.body["status"], answer.status.as_u16());
    let text =
        |value: &'static str, of: &Value| -> String { of[value].as_str().unwrap_or_default().to_owned() };
    assert!(!text("detail", &answer.body).is_empty());
    let fields = answer.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let fields = fields.iter().map(|it| (it["field"].as_str().unwrap(), it["code"].as_str().unwrap()));
    (answer.body["type"].as_str().unwrap(), fields.collect())
}

/// Bytes that are no UTF-8 are no name.
#[tokio::test]
async fn a_path_whose_escapes_are_no_text_is_refused() {
    let service = Service::in_memory().await;
    for path in ["/workshops/%ff", "/bookings/%ff", "/wallets/a%ffb", "/commands/%ff/schema"] {
        let answer = Answer::of(service.get(path)).await;
        assert_eq!((answer.status, problem(&answer).0), (StatusCode::BAD_REQUEST, "invalid"), "{path}");
    }
    let command = Answer::of(service.post("%ff", &json!({}))).await;
    assert_eq!((command.status, problem(&command).0), (StatusCode::BAD_REQUEST, "invalid"));
}

/// Also what is of no business: health and metrics.
#[tokio::test]
async fn a_method_that_is_not_for_a_path_is_refused_and_those_that_are_are_named() {
    let service = Service::in_memory().await;
    for (method, path, allowed) in [
        (Method::DELETE, "/workshops", "GET,HEAD"),
        (Method::POST, "/wallets/ann", "GET,HEAD"),
        (Method::GET, "/commands/TopUpWallet", "POST"),
        (Method::PUT, "/health/ready", "GET,HEAD"),
        (Method::POST, "/metrics", "GET,HEAD"),
    ] {
        let answer = Answer::of(service.request(method, path)).await;
        let kind = problem(&answer).0;
        assert_eq!((answer.status, kind), (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"), "{path}");
        assert_eq!(answer.header("allow"), Some(allowed), "{path}");
    }
}
