//! Typed events and aggregates: what holds on every store, and what is RocksDB's own.

use std::{error::Error as _, future::Future, iter, time::Duration};

use allframe_cqrs::{
    Error, EventFilter, EventStore, GlobalPosition, RocksDbBackend, RocksDbConfig, RocksDbError,
    RocksDbReader, StoreError,
};
use tempfile::TempDir;

use crate::{
    domain::every_case,
    home::Home,
    reopened::{Deposited, every_reopening},
};

struct Directory(TempDir);

impl Default for Directory {
    fn default() -> Self {
        Self(TempDir::new().unwrap())
    }
}

impl Home for Directory {
    type Backend = RocksDbBackend;

    async fn begin(&self) -> RocksDbBackend {
        RocksDbBackend::open(self.0.path()).unwrap()
    }
}

every_case!(in any_store, Directory);
every_reopening!(Directory);

#[tokio::test]
async fn a_reader_beside_the_writer_follows_it_with_types() {
    let home = Directory::default();
    let store = EventStore::with_backend(home.begin().await);
    store.append("account-1", vec![Deposited { amount: 1 }]).await.unwrap();

    let reader: EventStore<Deposited, _> =
        EventStore::with_backend(RocksDbReader::open(home.0.path()).unwrap());
    let mut followed = reader.catch_up(GlobalPosition::START, EventFilter::all());
    assert_eq!(soon(followed.next()).await.unwrap().event, Deposited { amount: 1 });
    for amount in 2..20 {
        store.append("account-1", vec![Deposited { amount }]).await.unwrap();
        assert_eq!(soon(followed.next()).await.unwrap().event, Deposited { amount });
    }
    let refused = reader.append("account-1", vec![Deposited { amount: 1 }]).await.unwrap_err();
    assert!(matches!(refused, Error::Store(StoreError::ReadOnly)), "{refused:?}");
}

#[tokio::test]
async fn why_a_store_cannot_be_opened_can_be_got_at() {
    let home = Directory::default();
    let _store = home.begin().await;
    let error = Error::from(RocksDbBackend::open(home.0.path()).unwrap_err());
    assert!(matches!(&error, Error::Store(StoreError::Unavailable { .. })), "{error:?}");
    let mut causes = iter::successors(error.source(), |cause| (*cause).source());
    assert!(causes.any(|cause| matches!(cause.downcast_ref(), Some(RocksDbError::InUse { .. }))));
}

#[test]
fn durability_is_one_type_for_both_stores_in_a_directory() {
    let durability = allframe_cqrs::Durability::OsBuffered;
    let config = RocksDbConfig { durability, ..RocksDbConfig::default() };
    assert_eq!(eventstore_wal::WalConfig { durability, ..Default::default() }.durability, config.durability);
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.unwrap()
}
