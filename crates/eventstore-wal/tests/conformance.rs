//! The store on disk passes every case of the suite, reopened wherever a case wants to know what is left.

use eventstore_conformance::{BackendFactory, Persistence, SecondOpener, async_trait, conformance_tests};
use eventstore_wal::{WalBackend, WalConfig};
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
