//! How it ends.

use std::{net::SocketAddr, path::Path};

use allframe_cqrs::{WalBackend, wal};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    process::Service,
    slow::{BODY, begun},
    until::{soon, until},
};

/// Waits until nobody listens any more.
async fn refuses(address: SocketAddr) {
    until("new connections are refused", async || TcpStream::connect(address).await.err().map(|_| ())).await;
}

/// The store was closed in good order, and is whole; with so many events.
fn is_clean(directory: &Path) -> u64 {
    let report = wal::verify(directory).unwrap();
    assert!(report.is_sound() && report.torn_tail.is_none(), "{report}");
    let store = WalBackend::production(directory).unwrap();
    assert!(store.recovery().was_closed, "{:?}", store.recovery());
    report.events
}

#[tokio::test]
async fn a_request_that_is_under_way_is_answered_and_no_other_is_taken() {
    let directory = TempDir::new().unwrap();
    let service = Service::on(directory.path(), &[]).await;
    let mut request = begun(service.address).await;
    service.terminate();
    refuses(service.address).await;

    request.write_all(BODY.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon("the answer", request.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("WalletToppedUp"), "{answer}");
    let status = service.exited().await;
    assert!(status.success(), "{status}");
    assert!(is_clean(directory.path()) >= 1);
}

/// The store is closed all the same, and the exit code says that something was cut off.
#[tokio::test]
async fn a_request_that_does_not_end_is_cut_off() {
    let directory = TempDir::new().unwrap();
    let service = Service::on(directory.path(), &[("SERVICE_SHUTDOWN_SECONDS", "1")]).await;
    service.top_up("ann", 1).await;
    let _request = begun(service.address).await;
    service.terminate();
    assert_eq!(service.exited().await.code(), Some(1));
    assert!(is_clean(directory.path()) >= 1);
}

#[tokio::test]
async fn what_sagas_are_at_is_gone_on_with_by_the_next_process() {
    let directory = TempDir::new().unwrap();
    let service = Service::on(directory.path(), &[]).await;
    service.publish("yoga", 20).await;
    service.top_up("ann", 10_000).await;
    for number in 0..10 {
        service.book(&format!("ann-{number}"), "yoga", "ann", 1).await;
    }
    service.ends_well().await;
    is_clean(directory.path());

    let service = Service::on(directory.path(), &[]).await;
    for number in 0..10 {
        assert_eq!(service.settled(&format!("ann-{number}")).await["status"], "confirmed");
    }
    service.comes_to("/wallets/ann", &serde_json::json!({ "credit": 5_000 })).await;
}

#[tokio::test]
async fn ctrl_c_ends_it_at_once_where_the_end_has_been_asked_for() {
    let service = Service::start(&[("SERVICE_DRAIN_SECONDS", "3600")]).await;
    service.becomes_ready().await;
    service.interrupt();
    service.comes_into("draining").await;
    service.interrupt();
    assert_eq!(service.exited().await.code(), Some(130));
}

/// Whoever runs processes may send it to one by itself, and once more to all of its group.
#[tokio::test]
async fn it_ends_in_good_order_also_where_it_is_terminated_twice() {
    let directory = TempDir::new().unwrap();
    let service = Service::on(directory.path(), &[]).await;
    let mut request = begun(service.address).await;
    service.terminate();
    refuses(service.address).await;
    service.terminate();

    request.write_all(BODY.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon("the answer", request.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    let status = service.exited().await;
    assert!(status.success(), "{status}");
    is_clean(directory.path());
}
