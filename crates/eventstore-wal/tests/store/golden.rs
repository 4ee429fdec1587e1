//! Stores that format 1 wrote on the day it was fixed are read as they were written, whatever has changed since.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::{fmt::Write, fs, path::Path};

use eventstore_api::{BackendStats, EventFilter, EventStoreBackend, ReadAll, StreamId, Tags};
use eventstore_wal::{WalBackend, verify};
use tempfile::TempDir;

/// A copy of a golden store: to open one writes to it.
fn copy_of(name: &str) -> TempDir {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let place = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(golden).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), place.path().join(entry.file_name())).unwrap();
    }
    place
}

/// Everything about every event but the time.
async fn contents(store: &impl EventStoreBackend) -> String {
    let mut text = String::new();
    for event in store.get_all_events().await.unwrap() {
        writeln!(
            text,
            "{} {}@{} {} {} v{} {} {} {:?} {:?}",
            event.position,
            event.stream,
            event.version,
            event.id,
            event.event_type,
            event.schema_version,
            event.encoding,
            String::from_utf8_lossy(&event.payload),
            event.metadata.iter().collect::<Vec<_>>(),
            event.tags.iter().map(eventstore_api::Tag::as_str).collect::<Vec<_>>(),
        )
        .unwrap();
    }
    let snapshot = store.get_latest_snapshot(&StreamId::new("flight-3").unwrap()).await.unwrap().unwrap();
    writeln!(text, "snapshot at {}: {}", snapshot.version, String::from_utf8_lossy(&snapshot.payload))
        .unwrap();
    let BackendStats { total_events, total_streams, total_snapshots, head, .. } =
        store.stats().await.unwrap();
    writeln!(
        text,
        "BackendStats {{ total_events: {total_events}, total_streams: {total_streams}, \
         total_snapshots: {total_snapshots}, head: {head:?} }}"
    )
    .unwrap();
    text
}

#[tokio::test]
async fn a_store_of_format_1_that_was_closed_is_read_as_it_was_written() {
    let place = copy_of("v1-closed");
    assert!(verify(place.path()).unwrap().is_sound());
    let store = WalBackend::production(place.path()).unwrap();
    assert!(store.recovery().was_closed, "{:?}", store.recovery());
    insta::assert_snapshot!(contents(&store).await);
}

#[tokio::test]
async fn a_store_of_format_1_that_was_killed_holds_the_same() {
    let (place_of_closed, place) = (copy_of("v1-closed"), copy_of("v1-killed"));
    let closed = WalBackend::production(place_of_closed.path()).unwrap();
    let killed = WalBackend::production(place.path()).unwrap();
    assert!(!killed.recovery().was_closed);
    assert_eq!(contents(&killed).await, contents(&closed).await);
}

#[tokio::test]
async fn the_indexes_of_format_1_find_what_the_log_holds() {
    let place = copy_of("v1-closed");
    let store = WalBackend::production(place.path()).unwrap();
    assert_eq!(store.recovery().indexes_rebuilt, 0);
    let seventh = EventFilter::tagged(Tags::parse(["number:7"]).unwrap());
    let page = store.read_all(&ReadAll::forward().filter(seventh)).await.unwrap();
    assert_eq!(page.events.len(), 3);
    let stream = store.get_events(&StreamId::new("flight-3").unwrap()).await.unwrap();
    assert_eq!(stream.len(), 12);
}
