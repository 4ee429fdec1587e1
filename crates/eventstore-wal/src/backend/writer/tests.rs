//! What the writer does when something goes wrong that must not.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use eventstore_api::{
    AppendBatch, EventType, ExpectedVersion, NewEvent, StoreError, StreamId, Timestamp, message_with_causes,
};

use super::Writer;
use crate::{
    config::WalConfig,
    disk::Directory,
    log::{Durability, Log, LogOptions},
};

/// How long something may take that does happen.
const PATIENCE: Duration = Duration::from_secs(30);

fn batch() -> AppendBatch {
    let event = NewEvent::new(EventType::new("Happened").unwrap(), "payload");
    AppendBatch::single(StreamId::new("stream").unwrap(), ExpectedVersion::Any, vec![event])
}

/// A writer whose clock panics when it is told to, which it does in the middle of an append.
fn writer(directory: &std::path::Path, durability: Durability, clock: fn() -> Timestamp) -> Writer {
    let config = WalConfig { durability, ..WalConfig::default() };
    let disk = Arc::new(Directory::create(directory).unwrap());
    let (log, _) = Log::open(disk, LogOptions { clock, ..config.log_options() }).unwrap();
    Writer::start(log, &config, None).unwrap()
}

/// Whoever comes now is told why, at once; and so is whoever closes, as often as he does.
async fn is_over(writer: &Writer) {
    let told = |outcome: Result<(), StoreError>| match outcome {
        Err(error @ StoreError::Storage { .. }) => {
            assert!(message_with_causes(&error).contains("reopen the store"), "{error:?}");
        }
        other => panic!("{other:?}"),
    };
    let calls = async {
        // The thread may still be about to end.
        while !matches!(writer.append(batch()).await, Err(StoreError::Storage { .. })) {
            tokio::task::yield_now().await;
        }
        told(writer.flush().await);
    };
    tokio::time::timeout(PATIENCE, calls).await.unwrap();
    told(writer.close());
    told(writer.close());
    told(writer.check_open());
}

#[tokio::test]
async fn a_panic_of_the_thread_leaves_nobody_waiting_and_closing_says_so() {
    static PANICS: AtomicBool = AtomicBool::new(false);
    fn clock() -> Timestamp {
        assert!(!PANICS.load(Ordering::Relaxed), "on purpose");
        Timestamp::now()
    }
    let directory = tempfile::tempdir().unwrap();
    let writer = writer(directory.path(), Durability::Always, clock);
    writer.append(batch()).await.unwrap();

    PANICS.store(true, Ordering::Relaxed);
    let unknown = writer.append(batch()).await.unwrap_err();
    assert!(matches!(unknown, StoreError::OutcomeUnknown { .. }), "{unknown:?}");
    is_over(&writer).await;
}

#[tokio::test]
async fn a_panic_of_someone_who_appends_on_his_own_thread_does_neither() {
    static PANICS: AtomicBool = AtomicBool::new(false);
    fn clock() -> Timestamp {
        assert!(!PANICS.load(Ordering::Relaxed), "on purpose");
        Timestamp::now()
    }
    let directory = tempfile::tempdir().unwrap();
    let writer = Arc::new(writer(directory.path(), Durability::OsBuffered, clock));
    writer.append(batch()).await.unwrap();

    PANICS.store(true, Ordering::Relaxed);
    let own = Arc::clone(&writer);
    let panicked = tokio::spawn(async move { own.append(batch()).await }).await.unwrap_err();
    assert!(panicked.is_panic());
    is_over(&writer).await;
}
