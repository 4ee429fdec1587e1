//! Processes that are killed.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use reqwest::StatusCode;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::{
    process::{Answer, Service},
    until::until,
};

const WRITERS: usize = 8;

/// Pays in, cent by cent, until nobody answers. How much was acknowledged is counted.
async fn pay_in(request: reqwest::RequestBuilder, acknowledged: Arc<AtomicU64>) {
    while let Ok(answer) = request.try_clone().unwrap().send().await {
        assert_eq!(answer.status(), StatusCode::OK);
        // The answer counts once it is there whole.
        if answer.bytes().await.is_ok() {
            acknowledged.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let directory = TempDir::new().unwrap();
    let service = Service::on(directory.path(), &[]).await;
    let acknowledged: Vec<_> = (0..WRITERS).map(|_| Arc::new(AtomicU64::new(0))).collect();
    let mut writers = JoinSet::new();
    for (number, acknowledged) in acknowledged.iter().enumerate() {
        let body = json!({ "customer": format!("customer-{number}"), "amount": 1 });
        writers.spawn(pay_in(service.post("TopUpWallet", &body), Arc::clone(acknowledged)));
    }
    until("each has paid in a few times", async || {
        acknowledged.iter().all(|it| it.load(Ordering::SeqCst) >= 20).then_some(())
    })
    .await;
    service.kill().await;
    while let Some(writer) = writers.join_next().await {
        writer.unwrap();
    }

    let service = Service::on(directory.path(), &[]).await;
    for (number, acknowledged) in acknowledged.iter().enumerate() {
        let acknowledged = acknowledged.load(Ordering::SeqCst);
        // What shows wallets goes on where it was, and catches up beside whoever asks.
        let credit = until("all that was acknowledged is shown", async || {
            let wallet = Answer::of(service.get(&format!("/wallets/customer-{number}"))).await;
            wallet.body["credit"].as_u64().filter(|credit| *credit >= acknowledged)
        })
        .await;
        // One may have been stored whose answer did not come.
        assert!((acknowledged..=acknowledged + 1).contains(&credit), "{credit} of {acknowledged}");
    }
}

#[tokio::test]
async fn bookings_that_a_kill_interrupts_are_gone_on_with_and_paid_once() {
    const BOOKINGS: u64 = 12;
    let directory = TempDir::new().unwrap();
    let mut service = Service::on(directory.path(), &[]).await;
    service.publish("yoga", 100).await;
    service.top_up("ann", 500 * BOOKINGS).await;
    for number in 0..BOOKINGS {
        let booking = format!("ann-{number}");
        service.book(&booking, "yoga", "ann", 1).await;
        if number % 4 == 3 {
            service.kill().await;
            service = Service::on(directory.path(), &[]).await;
        }
    }
    for number in 0..BOOKINGS {
        let settled = service.settled(&format!("ann-{number}")).await;
        assert_eq!(settled["status"], "confirmed", "{settled}");
    }
    service.comes_to("/wallets/ann", &json!({ "credit": 0 })).await;
    let yoga = Answer::of(service.get("/workshops/yoga")).await;
    assert_eq!(yoga.body["free"], 100 - BOOKINGS);
}
