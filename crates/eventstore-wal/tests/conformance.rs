//! The store on disk passes every case of the suite, reopened wherever a case wants to know what is left.

#![allow(clippy::unwrap_used, reason = "the factory of a test says what went wrong by failing")]

use std::{sync::Arc, time::Duration};

use eventstore_conformance::{
    BackendFactory, Persistence, SecondOpener, async_trait, conformance_tests,
    history::{check, record},
};
use eventstore_wal::{Durability, WalBackend, WalConfig};
use tempfile::TempDir;

/// Segments so small that every case meets several.
struct InSmallSegments(Durability);

#[async_trait]
impl BackendFactory for InSmallSegments {
    type Backend = WalBackend;
    type Place = TempDir;

    async fn new_place(&self) -> TempDir {
        tempfile::tempdir().unwrap()
    }

    async fn open(&self, place: &TempDir) -> WalBackend {
        self.try_open(place).unwrap()
    }

    fn persistence(&self) -> Persistence {
        Persistence::Durable
    }

    async fn open_second(&self, place: &TempDir) -> SecondOpener<WalBackend> {
        match self.try_open(place) {
            Ok(second) => SecondOpener::Shared(second),
            Err(error) => SecondOpener::Refused(error),
        }
    }
}

impl InSmallSegments {
    fn try_open(&self, place: &TempDir) -> eventstore_api::Result<WalBackend> {
        let config = WalConfig {
            segment_bytes: 32 << 10,
            preallocate_bytes: 32 << 10,
            durability: self.0,
            ..WalConfig::default()
        };
        WalBackend::with_config(place.path(), config)
    }
}

mod always {
    use super::*;

    conformance_tests!(InSmallSegments(Durability::Always));
}

mod at_intervals {
    use super::*;

    // So often that it falls between any two steps of a case.
    conformance_tests!(InSmallSegments(Durability::Interval(Duration::from_millis(1))));
}

mod os_buffered {
    use super::*;

    conformance_tests!(InSmallSegments(Durability::OsBuffered));
}

/// Without a sync for each append, which would take minutes; who wrote what first is decided by the same writer.
#[tokio::test(flavor = "multi_thread")]
async fn a_million_concurrent_operations_have_a_legal_order() {
    let place = tempfile::tempdir().unwrap();
    let config = WalConfig { durability: Durability::OsBuffered, ..WalConfig::default() };
    let store = Arc::new(WalBackend::with_config(place.path(), config).unwrap());
    let history = record(store, 16, 1_000_000, 7).await;
    let summary = check(&history).unwrap_or_else(|violation| panic!("no order explains it: {violation}"));
    assert!(summary.stored > 200_000, "hardly anything was stored: {summary:?}");
}

/// What is old is archived at once, while the case goes on.
#[cfg(feature = "parquet")]
mod archived {
    use super::*;

    struct Archived;

    #[async_trait]
    impl BackendFactory for Archived {
        type Backend = WalBackend;
        type Place = TempDir;

        async fn new_place(&self) -> TempDir {
            tempfile::tempdir().unwrap()
        }

        async fn open(&self, place: &TempDir) -> WalBackend {
            self.try_open(place).unwrap()
        }

        fn persistence(&self) -> Persistence {
            Persistence::Durable
        }

        async fn open_second(&self, place: &TempDir) -> SecondOpener<WalBackend> {
            match self.try_open(place) {
                Ok(second) => SecondOpener::Shared(second),
                Err(error) => SecondOpener::Refused(error),
            }
        }
    }

    impl Archived {
        fn try_open(&self, place: &TempDir) -> eventstore_api::Result<WalBackend> {
            let config = WalConfig {
                segment_bytes: 4 << 10,
                preallocate_bytes: 4 << 10,
                durability: Durability::OsBuffered,
                ..WalConfig::default()
            };
            let policy = eventstore_wal::ArchivePolicy { keep_segments: Some(0), ..Default::default() };
            WalBackend::with_archive(place.path(), config, policy)
        }
    }

    conformance_tests!(Archived);
}
