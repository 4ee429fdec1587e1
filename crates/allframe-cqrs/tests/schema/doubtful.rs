//! A store that does not always know what it has done.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use allframe_cqrs::{
    EventStore, EventStoreBackend, InMemoryBackend, StoreError,
    api::{AppendBatch, Appended, Result},
    async_trait,
    schema::SchemaCheck,
};
use eventstore_conformance::intercept::{Intercepted, Interceptor};

use crate::programs::programs;

programs! {
    second {
        #[event(schema, version = 2)]
        pub struct Deposited { pub amount: u64, #[added(version = 2, default = "EUR")] pub currency: String }
    }
}

/// The first appends happen, or not, and nobody knows.
struct Doubtful {
    inner: InMemoryBackend,
    doubtful: AtomicU32,
    happens: Happens,
}

#[derive(Clone, Copy, PartialEq)]
enum Happens {
    Always,
    WhenItIsKnown,
}

#[async_trait]
impl Interceptor for Doubtful {
    fn store(&self) -> impl EventStoreBackend {
        self.inner.clone()
    }

    async fn append_all(&self, batch: AppendBatch) -> Result<Vec<Appended>> {
        let is_doubtful = self.doubtful.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok();
        if is_doubtful && self.happens == Happens::WhenItIsKnown {
            return Err(StoreError::outcome_unknown("the connection was lost"));
        }
        let appended = self.inner.append_all(batch).await?;
        match is_doubtful {
            true => Err(StoreError::outcome_unknown("the connection was lost")),
            false => Ok(appended),
        }
    }
}

#[tokio::test]
async fn what_is_not_known_to_be_registered_is_looked_up_and_stands_there_once() {
    for happens in [Happens::Always, Happens::WhenItIsKnown] {
        let doubtful = Doubtful { inner: InMemoryBackend::new(), doubtful: AtomicU32::new(3), happens };
        let backend = Arc::new(Intercepted(doubtful));
        let store = EventStore::<second::Deposited, _>::with_backend(Arc::clone(&backend));
        store.check_schemas(SchemaCheck::default()).await.unwrap();
        assert_eq!(backend.stats().await.unwrap().total_events, 2);
    }
}
