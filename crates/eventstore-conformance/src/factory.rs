use async_trait::async_trait;
use eventstore_api::{EventStoreBackend, StoreError};

/// How the suite gets at the backend under test.
///
/// A store lives in a *place*: a temporary directory, a database, or nowhere. Every case gets a new place; the
/// place is dropped when the case is over, which is when a temporary directory goes. For a backend that keeps nothing,
/// [`Volatile`] is all there is to say.
///
/// ```
/// use eventstore_conformance::{BackendFactory, Persistence, async_trait};
/// use eventstore_conformance::model::ReferenceBackend;
///
/// struct OnDisk;
///
/// #[async_trait]
/// impl BackendFactory for OnDisk {
///     type Backend = ReferenceBackend;
///     type Place = ReferenceBackend;   // for a real one: `tempfile::TempDir`
///
///     async fn new_place(&self) -> Self::Place {
///         ReferenceBackend::new()
///     }
///
///     async fn open(&self, place: &Self::Place) -> Self::Backend {
///         place.clone()   // for a real one: open the directory
///     }
///
///     fn persistence(&self) -> Persistence {
///         Persistence::Durable
///     }
/// }
/// ```
#[async_trait]
pub trait BackendFactory: Send + Sync + 'static {
    /// The backend under test.
    type Backend: EventStoreBackend;
    /// Where a store of it lives.
    type Place: Send + Sync + 'static;

    /// A new place, in which no store is yet. What is in the way of making one is a panic.
    async fn new_place(&self) -> Self::Place;

    /// Opens the store in a place: creates it the first time, and finds what was stored there every other time.
    async fn open(&self, place: &Self::Place) -> Self::Backend;

    /// Lets go of a store, so that its place can be opened again. Dropping it is what users do, and the default.
    async fn close(&self, backend: Self::Backend) {
        drop(backend);
    }

    /// Whether opening a place again finds what was stored. Where it does not, the cases that close and reopen go on with
    /// the store as it is.
    fn persistence(&self) -> Persistence;

    /// Opens a place that is open already. A durable backend says here what it does then, which law 12 looks at.
    async fn open_second(&self, place: &Self::Place) -> SecondOpener<Self::Backend> {
        let _ = place;
        SecondOpener::Impossible
    }
}

/// Whether a store outlives being closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Persistence {
    /// It is gone when it is closed.
    Volatile,
    /// It is there when its place is opened again.
    Durable,
}

/// What becomes of a second opener of a place.
#[derive(Debug)]
pub enum SecondOpener<B> {
    /// There is nothing that could be opened twice.
    Impossible,
    /// It was refused, as a store for one process must.
    Refused(StoreError),
    /// It was let in, and shares the store: both see the same events and keep the laws between them.
    Shared(B),
}

/// The factory of a backend that keeps nothing when it is closed, from a function that makes a new one.
///
/// ```
/// use eventstore_conformance::{Volatile, model::ReferenceBackend};
///
/// let factory = Volatile(ReferenceBackend::new);
/// # let _ = factory;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Volatile<N>(pub N);

#[async_trait]
impl<N, B> BackendFactory for Volatile<N>
where
    N: Fn() -> B + Send + Sync + 'static,
    B: EventStoreBackend,
{
    type Backend = B;
    type Place = ();

    async fn new_place(&self) {}

    async fn open(&self, _place: &()) -> B {
        self.0()
    }

    fn persistence(&self) -> Persistence {
        Persistence::Volatile
    }
}
