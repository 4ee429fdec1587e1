use std::future::Future;

use allframe_cqrs::EventStoreBackend;

/// Where a store is that goes with the test.
pub(crate) trait Home: Default {
    type Backend: EventStoreBackend;

    /// Opens the store, or begins it.
    fn begin(&self) -> impl Future<Output = Self::Backend>;
}
