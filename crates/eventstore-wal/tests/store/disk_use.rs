//! What the store takes on disk beyond payloads and names, indexes and all.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::{fs, path::Path};

use eventstore_api::{EventStoreBackend, EventType, ExpectedVersion, NewEvent, StreamId};
use eventstore_wal::{Durability, WalBackend, WalConfig};

const PAYLOAD_BYTES: usize = 200;
const EVENTS: usize = 100_000;
const STREAMS: usize = 1_000;

/// How many bytes an event takes beyond its payload and its names, in a closed store of several segments.
async fn overhead(batch: usize) -> usize {
    let place = tempfile::tempdir().unwrap();
    let config =
        WalConfig { durability: Durability::OsBuffered, segment_bytes: 8 << 20, ..WalConfig::default() };
    let store = WalBackend::with_config(place.path(), config).unwrap();
    let deposited = EventType::new("Deposited").unwrap();
    let mut names = 0;
    for append in 0..EVENTS / batch {
        let stream = StreamId::new(format!("account-{:05}", append % STREAMS)).unwrap();
        names += (stream.as_str().len() + deposited.as_str().len()) * batch;
        let event = || NewEvent::new(deposited.clone(), vec![b'x'; PAYLOAD_BYTES]);
        let events = std::iter::repeat_with(event).take(batch).collect();
        store.append(&stream, ExpectedVersion::Any, events).await.unwrap();
    }
    store.close().await.unwrap();
    (bytes_in(place.path()) - names) / EVENTS - PAYLOAD_BYTES
}

fn bytes_in(directory: &Path) -> usize {
    let lengths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
    lengths.sum::<u64>().try_into().unwrap()
}

#[tokio::test]
async fn an_event_appended_alone_takes_at_most_100_bytes_beyond_payload_and_names() {
    let overhead = overhead(1).await;
    assert!(overhead <= 100, "{overhead} bytes");
}

#[tokio::test]
async fn an_event_appended_with_99_others_takes_at_most_40_bytes_beyond_payload_and_names() {
    let overhead = overhead(100).await;
    assert!(overhead <= 40, "{overhead} bytes");
}
