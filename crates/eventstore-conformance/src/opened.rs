//! An open store, whatever the backend.

use std::sync::Arc;

use async_trait::async_trait;
use eventstore_api::EventStoreBackend;

use crate::{BackendFactory, Persistence, SecondOpener};

/// A backend, whichever it is.
pub type AnyBackend = Arc<dyn EventStoreBackend>;

/// A store that is open, with the place where it is and what opens it.
#[async_trait]
pub(crate) trait Opened: Send + Sync {
    fn backend(&self) -> AnyBackend;

    fn persistence(&self) -> Persistence;

    /// The same, closed and opened again. Nobody else has its backend any more.
    async fn reopened(self: Box<Self>) -> Box<dyn Opened>;

    /// What becomes of a second opener of the same place.
    async fn second(&self) -> SecondOpener<AnyBackend>;

    /// A new store in a new place.
    async fn another(&self) -> Box<dyn Opened>;
}

/// A new store in a new place.
pub(crate) async fn open<F: BackendFactory>(factory: Arc<F>) -> Box<dyn Opened> {
    let place = factory.new_place().await;
    let backend = Arc::new(factory.open(&place).await);
    Box::new(Of { backend, place, factory })
}

/// The backend is dropped before its place.
struct Of<F: BackendFactory> {
    backend: Arc<F::Backend>,
    place: F::Place,
    factory: Arc<F>,
}

#[async_trait]
impl<F: BackendFactory> Opened for Of<F> {
    fn backend(&self) -> AnyBackend {
        Arc::clone(&self.backend) as AnyBackend
    }

    fn persistence(&self) -> Persistence {
        self.factory.persistence()
    }

    async fn reopened(self: Box<Self>) -> Box<dyn Opened> {
        let Self { backend, place, factory } = *self;
        let backend = Arc::into_inner(backend)
            .expect("a case gives up its tasks and subscriptions before it reopens the store");
        factory.close(backend).await;
        let backend = Arc::new(factory.open(&place).await);
        Box::new(Self { backend, place, factory })
    }

    async fn second(&self) -> SecondOpener<AnyBackend> {
        match self.factory.open_second(&self.place).await {
            SecondOpener::Impossible => SecondOpener::Impossible,
            SecondOpener::Refused(error) => SecondOpener::Refused(error),
            SecondOpener::Shared(backend) => SecondOpener::Shared(Arc::new(backend)),
        }
    }

    async fn another(&self) -> Box<dyn Opened> {
        open(Arc::clone(&self.factory)).await
    }
}
