//! Who does not come to the end of a request.

use std::net::SocketAddr;

use reqwest::StatusCode;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    process::{Answer, Service},
    until::soon,
};

pub(crate) const BODY: &str = r#"{"customer":"ann","amount":700}"#;

/// A request whose handler waits for the body: the server says so.
pub(crate) async fn begun(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /commands/TopUpWallet HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        BODY.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut told = Vec::new();
    while !told.ends_with(b"\r\n\r\n") {
        told.push(soon("the server reads the body", stream.read_u8()).await.unwrap());
    }
    assert!(told.starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&told));
    stream
}

/// Whatever comes until the service closes the connection.
async fn rest(mut stream: TcpStream) -> String {
    let mut rest = Vec::new();
    soon("the end of the connection", stream.read_to_end(&mut rest)).await.unwrap();
    String::from_utf8(rest).unwrap()
}

async fn impatient() -> Service {
    let service = Service::start(&[("SERVICE_READ_SECONDS", "1")]).await;
    service.becomes_ready().await;
    service
}

#[tokio::test]
async fn a_head_that_does_not_come_to_its_end_is_not_waited_for() {
    let service = impatient().await;
    let mut stream = TcpStream::connect(service.address).await.unwrap();
    stream.write_all(b"POST /commands/TopUpWallet HTTP/1.1\r\nHost: here\r\n").await.unwrap();
    let answer = rest(stream).await;
    assert!(!answer.contains("200 OK"), "{answer}");
    service.top_up("ann", 1).await;
}

#[tokio::test]
async fn a_body_that_does_not_come_to_its_end_is_told_so_and_nothing_is_done() {
    let service = impatient().await;
    let mut stream = begun(service.address).await;
    stream.write_all(&BODY.as_bytes()[..9]).await.unwrap();
    let answer = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
    assert!(
        answer.contains("application/problem+json") && answer.contains(r#""type":"too_slow""#),
        "{answer}"
    );
    assert_eq!(Answer::of(service.get("/wallets/ann")).await.status, StatusCode::NOT_FOUND);
}

/// Neither does it make the end one that is not in good order: it never was a request.
#[tokio::test]
async fn half_a_head_holds_up_the_end_no_longer_than_it_may_take_to_come() {
    let service = impatient().await;
    let mut stream = TcpStream::connect(service.address).await.unwrap();
    stream.write_all(b"GET /workshops HTTP/1.1\r\nHost:").await.unwrap();
    // Taken after it: so that it has been taken, too.
    service.comes_to("/workshops", &json!({})).await;
    service.ends_well().await;
    rest(stream).await;
}

#[tokio::test]
async fn a_connection_without_a_request_does_not_hold_up_the_end() {
    // Longer than the end may take: it is not for having been idle that it is closed.
    let service = Service::start(&[("SERVICE_READ_SECONDS", "3600")]).await;
    service.becomes_ready().await;
    let idle = TcpStream::connect(service.address).await.unwrap();
    service.comes_to("/workshops", &json!({})).await;
    service.ends_well().await;
    rest(idle).await;
}
