//! A store behind a switch is a store.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use eventstore_conformance::{BackendFactory, Persistence, async_trait, conformance_tests};
use eventstore_memory::InMemoryBackend;
use eventstore_migrate::SwitchingBackend;

struct Switched;

#[async_trait]
impl BackendFactory for Switched {
    type Backend = SwitchingBackend;
    type Place = ();

    async fn new_place(&self) {}

    async fn open(&self, (): &()) -> SwitchingBackend {
        let store = SwitchingBackend::new(InMemoryBackend::new());
        store.switch_to(InMemoryBackend::new()).await.unwrap();
        store
    }

    fn persistence(&self) -> Persistence {
        Persistence::Volatile
    }
}

conformance_tests!(Switched);
