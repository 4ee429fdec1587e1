//! The store on RocksDB passes every case of the suite, reopened wherever a case wants to know what is left.

#![allow(clippy::unwrap_used, reason = "the factory of a test says what went wrong by failing")]

use std::{sync::Arc, time::Duration};

use eventstore_conformance::{
    BackendFactory, Persistence, SecondOpener, async_trait, conformance_tests,
    history::{check, record},
};
use eventstore_rocksdb::{Durability, RocksDbBackend, RocksDbConfig};
use tempfile::TempDir;

/// With so little memory that every case meets several files.
struct WithLittleMemory(Durability);

#[async_trait]
impl BackendFactory for WithLittleMemory {
    type Backend = RocksDbBackend;
    type Place = TempDir;

    async fn new_place(&self) -> TempDir {
        tempfile::tempdir().unwrap()
    }

    async fn open(&self, place: &TempDir) -> RocksDbBackend {
        self.try_open(place).unwrap()
    }

    fn persistence(&self) -> Persistence {
        Persistence::Durable
    }

    async fn open_second(&self, place: &TempDir) -> SecondOpener<RocksDbBackend> {
        match self.try_open(place) {
            Ok(second) => SecondOpener::Shared(second),
            Err(error) => SecondOpener::Refused(error),
        }
    }
}

impl WithLittleMemory {
    fn try_open(&self, place: &TempDir) -> eventstore_api::Result<RocksDbBackend> {
        let config = RocksDbConfig {
            durability: self.0,
            cache_bytes: 1 << 20,
            write_buffer_bytes: 1 << 20,
            cached_streams: 16,
            ..RocksDbConfig::default()
        };
        RocksDbBackend::with_config(place.path(), config)
    }
}

mod always {
    use super::*;

    conformance_tests!(WithLittleMemory(Durability::Always));
}

mod at_intervals {
    use super::*;

    // So often that it falls between any two steps of a case.
    conformance_tests!(WithLittleMemory(Durability::Interval(Duration::from_millis(1))));
}

mod os_buffered {
    use super::*;

    conformance_tests!(WithLittleMemory(Durability::OsBuffered));
}

/// Without a sync for each append, which would take minutes; who wrote what first is decided by the same writer.
#[tokio::test(flavor = "multi_thread")]
async fn many_concurrent_operations_have_a_legal_order() {
    let place = tempfile::tempdir().unwrap();
    let config = RocksDbConfig { durability: Durability::OsBuffered, ..RocksDbConfig::default() };
    let store = Arc::new(RocksDbBackend::with_config(place.path(), config).unwrap());
    let history = record(store, 16, 200_000, 7).await;
    let summary = check(&history).unwrap_or_else(|violation| panic!("no order explains it: {violation}"));
    assert!(summary.stored > 40_000, "hardly anything was stored: {summary:?}");
}
