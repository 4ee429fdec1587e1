//! Bookings: the saga behind them, from the outside.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::process::{Answer, Service};

async fn free_seats(service: &Service, workshop: &str) -> Value {
    Answer::of(service.get(&format!("/workshops/{workshop}"))).await.body["free"].clone()
}

#[tokio::test]
async fn a_booking_takes_seats_and_money() {
    let service = Service::in_memory().await;
    service.publish("yoga", 5).await;
    service.top_up("ann", 1_500).await;
    let asked = service.book("ann-1", "yoga", "ann", 2).await;
    let seen = Answer::of(service.get("/bookings/ann-1").header("event-position", asked.position())).await;
    assert_eq!(seen.status, StatusCode::OK);

    let settled = service.settled("ann-1").await;
    let expected = json!({ "workshop": "yoga", "customer": "ann", "seats": 2, "status": "confirmed" });
    assert_eq!(settled, expected);
    service.comes_to("/wallets/ann", &json!({ "credit": 500 })).await;
    assert_eq!(free_seats(&service, "yoga").await, 3);
}

#[tokio::test]
async fn one_that_cannot_be_paid_gives_its_seats_back_and_says_why() {
    let service = Service::in_memory().await;
    service.publish("yoga", 5).await;
    service.top_up("bob", 900).await;
    service.book("bob-1", "yoga", "bob", 2).await;

    let settled = service.settled("bob-1").await;
    assert_eq!(settled["status"], "declined");
    let reason = settled["reason"].as_str().unwrap();
    assert!(reason.contains("100 cents are missing in the wallet of `bob`"), "{reason}");
    // The seats come back before the booking is declined: the order of undoing.
    assert_eq!(free_seats(&service, "yoga").await, 5);
    service.comes_to("/wallets/bob", &json!({ "credit": 900 })).await;
}

#[tokio::test]
async fn one_of_a_workshop_that_there_is_not_is_declined() {
    let service = Service::in_memory().await;
    service.book("bob-1", "alchemy", "bob", 1).await;
    let settled = service.settled("bob-1").await;
    assert_eq!(settled["status"], "declined");
    assert!(settled["reason"].as_str().unwrap().contains("there is no workshop `alchemy`"), "{settled}");
}

/// All ask for the last seats at once.
#[tokio::test]
async fn no_seat_is_sold_twice() {
    let service = Service::in_memory().await;
    service.publish("yoga", 3).await;
    let customers: Vec<String> = (0..8).map(|number| format!("customer-{number}")).collect();
    for customer in &customers {
        service.top_up(customer, 500).await;
    }
    for customer in &customers {
        service.book(customer, "yoga", customer, 1).await;
    }
    let mut confirmed = 0;
    for customer in &customers {
        let is_confirmed = service.settled(customer).await["status"] == "confirmed";
        confirmed += u32::from(is_confirmed);
        let credit = if is_confirmed { 0 } else { 500 };
        service.comes_to(&format!("/wallets/{customer}"), &json!({ "credit": credit })).await;
    }
    assert_eq!((confirmed, free_seats(&service, "yoga").await), (3, json!(0)));
}

#[tokio::test]
async fn a_booking_is_asked_for_once() {
    let service = Service::in_memory().await;
    service.book("ann-1", "yoga", "ann", 1).await;
    let again = json!({ "booking": "ann-1", "workshop": "yoga", "customer": "bob", "seats": 1 });
    assert_eq!(Answer::of(service.post("RequestBooking", &again)).await.status, StatusCode::CONFLICT);
}
