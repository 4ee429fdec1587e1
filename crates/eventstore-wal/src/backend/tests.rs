//! What becomes of the store when something goes wrong in the log that must not.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use eventstore_api::{
    AppendBatch, EventStoreBackend, EventType, ExpectedVersion, GlobalPosition, NewEvent, StoreError,
    StreamId, Timestamp, message_with_causes,
};
use eventstore_embedded::Durability;

use super::{WalBackend, chores::Chores, start_writer};
use crate::{
    config::WalConfig,
    disk::Directory,
    log::{Log, LogOptions, Request},
};

/// How long something may take that does happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether the clock panics, which it does in the middle of an append.
static PANICS: AtomicBool = AtomicBool::new(false);

fn clock() -> Timestamp {
    assert!(!PANICS.load(Ordering::Relaxed), "on purpose");
    Timestamp::now()
}

fn request() -> Request {
    let event = NewEvent::new(EventType::new("Happened").unwrap(), "payload");
    Request::new(AppendBatch::single(StreamId::new("stream").unwrap(), ExpectedVersion::Any, vec![event]))
}

#[tokio::test]
async fn a_panic_in_the_log_lets_go_of_those_who_wait_for_events_and_of_the_directory() {
    for durability in [Durability::Always, Durability::OsBuffered] {
        let directory = tempfile::tempdir().unwrap();
        let config = WalConfig { durability, ..WalConfig::default() };
        let disk = Arc::new(Directory::create(directory.path()).unwrap());
        let (log, _) = Log::open(disk, LogOptions { clock, ..config.log_options() }).unwrap();
        let mut published = log.catalog().watch();
        let chores = Arc::new(Chores::start(None).unwrap());
        let writer = Arc::new(start_writer(log, chores, &config).unwrap());
        writer.submit(request(), 1).await.unwrap();

        PANICS.store(true, Ordering::Relaxed);
        let own = Arc::clone(&writer);
        // On the caller's own thread where nothing is to be synced.
        match tokio::spawn(async move { own.submit(request(), 1).await }).await {
            Ok(outcome) => assert!(matches!(outcome, Err(StoreError::OutcomeUnknown { .. })), "{outcome:?}"),
            Err(error) => assert!(error.is_panic() && durability == Durability::OsBuffered, "{error}"),
        }
        let over = published.wait_for(|published| published.closed);
        tokio::time::timeout(PATIENCE, over).await.unwrap().unwrap();
        let told = writer.check_open().unwrap_err();
        assert!(message_with_causes(&told).contains("reopen the store"), "{told:?}");
        PANICS.store(false, Ordering::Relaxed);

        // The writer is still there, and has nothing of the store any more.
        let store = WalBackend::production(directory.path()).unwrap();
        assert_eq!(store.head().await.unwrap(), GlobalPosition::new(1));
        assert!(writer.close().is_err());
    }
}
