//! What belongs together.

use allframe_cqrs::{EventStoreBackend, WalBackend, api::RecordedEvent};
use tempfile::TempDir;

use crate::process::{Answer, Service};

#[tokio::test]
async fn the_events_of_a_request_and_of_all_that_follows_have_its_correlation_id() {
    let directory = TempDir::new().unwrap();
    let service = Service::on(directory.path(), &[]).await;
    service.publish("yoga", 5).await;
    service.top_up("ann", 500).await;
    let body = serde_json::json!({ "booking": "ann-1", "workshop": "yoga", "customer": "ann", "seats": 1 });
    let asked = service.post("RequestBooking", &body).header("x-correlation-id", "visit-9");
    assert_eq!(Answer::of(asked).await.header("x-correlation-id"), Some("visit-9"));
    service.settled("ann-1").await;
    service.ends_well().await;

    let store = WalBackend::production(directory.path()).unwrap();
    let events = store.get_all_events().await.unwrap();
    let belongs = |event: &&RecordedEvent| event.metadata.correlation_id() == Some("visit-9");
    let types: Vec<_> = events.iter().filter(belongs).map(|event| event.event_type.as_str()).collect();
    for step in ["BookingRequested", "BookingBegun", "SeatsHeld", "WalletCharged", "BookingConfirmed"] {
        assert!(types.iter().any(|it| it.ends_with(step)), "{step}: {types:?}");
    }
    assert!(!types.iter().any(|it| it.ends_with("WalletToppedUp")), "{types:?}");
}

#[tokio::test]
async fn a_request_without_one_is_given_one() {
    let service = Service::in_memory().await;
    let (one, other) = (service.top_up("ann", 1).await, service.top_up("ann", 1).await);
    let (one, other) = (one.header("x-correlation-id").unwrap(), other.header("x-correlation-id").unwrap());
    assert!(!one.is_empty() && one != other);
}

/// It goes into every event: neither a novel nor what is no text.
#[tokio::test]
async fn one_that_cannot_be_taken_over_is_replaced() {
    let service = Service::in_memory().await;
    for given in [&[b'a'; 129][..], b"", "gr\u{fc}n".as_bytes()] {
        let answer = Answer::of(service.get("/workshops").header("x-correlation-id", given)).await;
        let id = answer.header("x-correlation-id").unwrap();
        assert!((1..=128).contains(&id.len()) && id.as_bytes() != given, "{id}");
    }
}
