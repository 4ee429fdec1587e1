//! The store on disk passes every case of the suite, reopened wherever a case wants to know what is left.

use eventstore_conformance::{
    BackendFactory, Persistence, SecondOpener, async_trait, conformance_tests,
    history::{check, record},
    run_case,
};
use eventstore_wal::{Durability, WalBackend, WalConfig};
use tempfile::TempDir;

/// Segments so small that every case meets several.
struct InSmallSegments;

#[async_trait]
impl BackendFactory for InSmallSegments {
    type Backend = WalBackend;
    type Place = TempDir;

    async fn new_place(&self) -> TempDir {
        tempfile::tempdir().expect("there is room for temporary files")
    }

    async fn open(&self, place: &TempDir) -> WalBackend {
        open(place).unwrap_or_else(|error| panic!("{error:?}"))
    }

    fn persistence(&self) -> Persistence {
        Persistence::Durable
    }

    async fn open_second(&self, place: &TempDir) -> SecondOpener<WalBackend> {
        match open(place) {
            Ok(second) => SecondOpener::Shared(second),
            Err(error) => SecondOpener::Refused(error),
        }
    }
}

fn open(place: &TempDir) -> eventstore_api::Result<WalBackend> {
    let config = WalConfig { segment_bytes: 32 << 10, preallocate_bytes: 32 << 10, ..WalConfig::default() };
    WalBackend::with_config(place.path(), config)
}

conformance_tests!(InSmallSegments);

/// Without a sync for each append, so that it ends before the case's time does. Who wrote what first is the same.
struct Buffered;

#[async_trait]
impl BackendFactory for Buffered {
    type Backend = WalBackend;
    type Place = TempDir;

    async fn new_place(&self) -> TempDir {
        tempfile::tempdir().expect("there is room for temporary files")
    }

    async fn open(&self, place: &TempDir) -> WalBackend {
        let config = WalConfig { durability: Durability::OsBuffered, ..WalConfig::default() };
        WalBackend::with_config(place.path(), config).unwrap_or_else(|error| panic!("{error:?}"))
    }

    fn persistence(&self) -> Persistence {
        Persistence::Durable
    }
}

#[test]
fn a_million_concurrent_operations_have_a_legal_order() {
    run_case("a million operations", Buffered, |store| async move {
        let history = record(store.backend(), 16, 1_000_000, 7).await;
        let summary = check(&history).unwrap_or_else(|violation| panic!("no order explains it: {violation}"));
        assert!(summary.stored > 200_000, "hardly anything was stored: {summary:?}");
    });
}
