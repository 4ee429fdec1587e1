//! Old segments become Parquet files, and nobody who reads notices.

#![cfg(feature = "parquet")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what went wrong by failing"
)]

#[path = "../support/mod.rs"]
mod support;

mod bad_pages;
mod damage;
mod reading;
mod without_manifest;

use std::path::{Path, PathBuf};

use eventstore_api::{EventStoreBackend, ReadAll, RecordedEvent};
use eventstore_wal::{ArchivePolicy, WalBackend};
use support::{append, files, small};
use tempfile::TempDir;

const EVENTS: usize = 600;

fn keeping(keep: usize) -> ArchivePolicy {
    ArchivePolicy { keep_segments: Some(keep), ..ArchivePolicy::default() }
}

fn open_archiving(path: &Path, keep: usize) -> WalBackend {
    WalBackend::with_archive(path, small(), keeping(keep)).unwrap()
}

/// A store that was closed, of which all but so many sealed segments are archived.
async fn archived(keep: usize) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = open_archiving(directory.path(), keep);
    append(&store, 0..EVENTS).await;
    store.archive_now().await.unwrap();
    store.close().await.unwrap();
    directory
}

fn parts(path: &Path) -> Vec<PathBuf> {
    files(path, ".parquet")
}

fn segments(path: &Path) -> Vec<PathBuf> {
    files(path, ".wal")
}

async fn all(store: &dyn EventStoreBackend, query: ReadAll) -> Vec<RecordedEvent> {
    let (mut events, mut query) = (Vec::new(), query);
    loop {
        let page = store.read_all(&query).await.unwrap();
        query = query.next_page(&page);
        events.extend(page.events);
        if page.end_reached {
            return events;
        }
    }
}
