//! Typed events and aggregates on the store in a directory.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use crate::home::Home;
use crate::reopened::{Deposited, every_reopening};
use allframe_cqrs::{EventStore, EventStoreBackend, WalBackend};
use tempfile::TempDir;

struct Directory(TempDir);

impl Default for Directory {
    fn default() -> Self {
        Self(TempDir::new().unwrap())
    }
}

impl Home for Directory {
    type Backend = WalBackend;

    async fn begin(&self) -> WalBackend {
        WalBackend::production(self.0.path()).unwrap()
    }
}

every_reopening!(Directory);

#[tokio::test]
async fn a_store_that_was_closed_has_nothing_to_recover() {
    let home = Directory::default();
    let store = EventStore::with_backend(home.begin().await);
    store.append("account-1", vec![Deposited { amount: 1 }]).await.unwrap();
    store.backend().close().await.unwrap();
    drop(store);
    assert!(home.begin().await.recovery().was_closed);
}
