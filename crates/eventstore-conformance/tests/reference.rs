//! The reference backend passes every case: as a volatile store, as a durable one, and as one that two may open.

use eventstore_api::StoreError;
use eventstore_conformance::{
    BackendFactory, Persistence, SecondOpener, Volatile, async_trait, conformance_tests,
    model::ReferenceBackend,
};

mod volatile {
    use super::*;

    conformance_tests!(Volatile(ReferenceBackend::new));
}

mod durable {
    use super::*;

    conformance_tests!(Durable { shared: false });
}

mod shared {
    use super::*;

    conformance_tests!(Durable { shared: true });
}

/// Its place is the model itself: opening it again finds all that was stored.
struct Durable {
    shared: bool,
}

#[async_trait]
impl BackendFactory for Durable {
    type Backend = ReferenceBackend;
    type Place = ReferenceBackend;

    async fn new_place(&self) -> ReferenceBackend {
        ReferenceBackend::new()
    }

    async fn open(&self, place: &ReferenceBackend) -> ReferenceBackend {
        place.clone()
    }

    fn persistence(&self) -> Persistence {
        Persistence::Durable
    }

    async fn open_second(&self, place: &ReferenceBackend) -> SecondOpener<ReferenceBackend> {
        if self.shared {
            SecondOpener::Shared(place.clone())
        } else {
            SecondOpener::Refused(StoreError::unavailable("another process has the store open"))
        }
    }
}
