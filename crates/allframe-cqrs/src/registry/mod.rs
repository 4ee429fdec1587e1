mod allframe;
mod attempts;
mod awaited;
mod beginning;
mod checkpoint_policy;
mod consistency;
mod control;
#[cfg(feature = "macros")]
mod discovered;
mod effects;
mod error;
mod fault;
mod fault_policy;
mod feed;
mod handle;
mod inline;
mod keeper;
mod kept_state;
mod launch;
mod live;
mod look_up;
mod named;
mod outside;
#[cfg(all(doctest, feature = "macros", feature = "postgres"))]
mod page;
mod rebuild;
mod recipe;
mod registration;
mod runner;
mod running;
mod sink;
mod state_form;
mod state_projection;
mod state_sink;
mod status;
mod stored;
mod telemetry;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

pub use allframe::{ProjectionMetadata, ProjectionPosition};
pub(crate) use awaited::Awaited;
pub use checkpoint_policy::CheckpointPolicy;
pub use consistency::Consistency;
#[cfg(feature = "macros")]
pub use discovered::DiscoveredProjection;
pub use error::ProjectionError;
use eventstore_api::EventStoreBackend;
pub use fault::{FaultCause, ParkedEvent, ProjectionFault};
pub use fault_policy::{FaultPolicy, OnFault};
use feed::Feed;
pub use handle::ProjectionHandle;
pub(crate) use inline::InlineProjections;
pub(crate) use kept_state::{Kept as StateBytes, KeptState};
use launch::Launch;
pub use live::View;
pub use named::NamedProjection;
pub use outside::{OutsideBatch, OutsideError, OutsideProjection, OutsideRegistration};
pub use rebuild::{Rebuild, RebuildProgress, RebuildState};
pub use registration::{MergeProjection, Registration};
use running::Running;
pub use status::{ProjectionState, ProjectionStatus};
pub use stored::{StoredProjection, StoredProjections};

use crate::{DefaultBackend, Event, EventStore, Projection};

/// Keeps read models up to date, each in a task of its own.
///
/// A projection catches up with history in batches, then follows what is appended, by whatever process. Its state is kept in
/// the store together with the position it is of, so that after a restart, or a `kill -9`, it goes on from there and holds
/// every event exactly once. One that fails stops alone, with its last good state readable. All of them share one read of the
/// log.
///
/// ```
/// use allframe_cqrs::{EventStore, Projection, ProjectionRegistry, event, projection};
/// use serde::{Deserialize, Serialize};
///
/// #[event]
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Deposited { amount: u64 }
///
/// #[projection(name = "turnover", version = 1)]
/// #[derive(Clone, Default, Serialize, Deserialize)]
/// struct Turnover { total: u64 }
///
/// impl Projection for Turnover {
///     type Event = Deposited;
///
///     fn apply(&mut self, event: &Deposited) {
///         self.total += event.amount;
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use std::time::Duration;
///
/// let store = EventStore::new();
/// let registry = ProjectionRegistry::start(store.clone()).await?;      // every #[projection] of `Deposited`
///
/// let appended = store.append("account-7", vec![Deposited { amount: 42 }]).await.unwrap();
/// registry.wait_until(appended.last_position, Duration::from_secs(5)).await?;
/// assert_eq!(registry.get::<Turnover>().await?.total, 42);
/// # registry.close().await?;
/// # Ok::<(), allframe_cqrs::ProjectionError>(()) }).unwrap();
/// ```
///
/// It needs a tokio runtime with time. Cloning it is cheap and gives another handle to the same projections; when the last one
/// is dropped, they end. [`ProjectionRegistry::close`] waits for that, so that nothing has to be applied again.
///
/// # Effects
///
/// What is to be done outside because of an event is left in the [`ApplyContext`](crate::ApplyContext). It is done once the
/// event has been applied, and not again when the state is built anew, by this version or a later one: at least once, and
/// twice only where the process died in the middle of a batch. Events that were stored before a projection was first registered have no effects.
pub struct ProjectionRegistry<E, B = DefaultBackend> {
    store: EventStore<E, B>,
    shared: Arc<Shared<E>>,
}

struct Shared<E> {
    feed: Arc<Feed<E>>,
    projections: RwLock<Projections>,
    /// Held while one is registered, so that two of a name cannot both find it free.
    registering: tokio::sync::Mutex<()>,
}

/// By their names.
type Projections = BTreeMap<String, Arc<dyn Running>>;

impl<E: Event, B: EventStoreBackend> ProjectionRegistry<E, B> {
    /// A registry over the events of a store, without projections.
    #[must_use]
    pub fn new(store: EventStore<E, B>) -> Self {
        let backend: Arc<dyn EventStoreBackend> = store.shared_backend();
        let shared = Shared {
            feed: Arc::new(Feed::new(backend, store.shared_reader())),
            projections: RwLock::default(),
            registering: tokio::sync::Mutex::default(),
        };
        Self { store, shared: Arc::new(shared) }
    }

    /// A registry with every [`#[projection]`](crate::projection) of the program that is built from these events.
    ///
    /// # Errors
    ///
    /// As [`ProjectionRegistry::add`], for the first that could not be registered. Those before it end.
    #[cfg(feature = "macros")]
    pub async fn start(store: EventStore<E, B>) -> Result<Self, ProjectionError> {
        let this = Self::new(store);
        for discovered in discovered::all_of::<E>() {
            this.launch(discovered).await?;
        }
        Ok(this)
    }

    /// Registers a projection under a name, and runs it.
    ///
    /// It begins with this value and is kept in memory alone; it cannot be built anew. [`ProjectionRegistry::add`] takes a
    /// [`Registration`], which can have more.
    ///
    /// # Errors
    ///
    /// As [`ProjectionRegistry::add`].
    pub async fn register<P: Projection<Event = E> + 'static>(
        &self,
        name: impl Into<String>,
        projection: P,
    ) -> Result<(), ProjectionError> {
        self.add(Registration::value(name, projection)).await
    }

    /// Registers a projection, and runs it from where its state was left.
    ///
    /// When this returns, it can be read; it may still be catching up. Dropping the future early leaves it registered or not.
    ///
    /// # Errors
    ///
    /// [`ProjectionError::NameTaken`], [`ProjectionError::InvalidName`], [`ProjectionError::NoRuntime`], or
    /// [`ProjectionError::Store`] when the state could not be read.
    pub async fn add<P: Projection<Event = E> + 'static>(
        &self,
        registration: Registration<P>,
    ) -> Result<(), ProjectionError> {
        self.launch(Box::new(registration)).await
    }

    /// Registers a projection whose read model is in a database, and runs it from where that stands.
    ///
    /// When this returns, the read model is there; it may still be catching up. It has a status, is paused, resumed and waited for as
    /// every other, but [`get`](Self::get) does not find it: its database is asked for what it holds.
    ///
    /// # Errors
    ///
    /// As [`ProjectionRegistry::add`], [`ProjectionError::ReadModel`] when its database does not answer, and
    /// [`ProjectionError::AheadOfStore`].
    pub async fn add_outside<P: OutsideProjection<Event = E>>(
        &self,
        registration: OutsideRegistration<P>,
    ) -> Result<(), ProjectionError> {
        self.launch(Box::new(registration)).await
    }

    /// The store whose events these are.
    #[must_use]
    pub fn store(&self) -> &EventStore<E, B> {
        &self.store
    }

    async fn launch(&self, launch: Box<dyn Launch<E>>) -> Result<(), ProjectionError> {
        let _registering = self.shared.registering.lock().await;
        let name = launch.name().to_owned();
        if self.shared.get(&name).is_some() {
            return Err(ProjectionError::NameTaken { name });
        }
        let consistency = launch.consistency();
        let running = launch.launch(Arc::clone(&self.shared.feed)).await?;
        if consistency == Consistency::Inline {
            self.store.inline().add(&running);
        }
        self.shared.projections.write().unwrap_or_else(PoisonError::into_inner).insert(name, running);
        Ok(())
    }
}

impl<E> Shared<E> {
    fn get(&self, name: &str) -> Option<Arc<dyn Running>> {
        self.projections.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn all(&self) -> Vec<Arc<dyn Running>> {
        self.projections.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

impl<E, B> Clone for ProjectionRegistry<E, B> {
    fn clone(&self) -> Self {
        Self { store: self.store.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<E, B> fmt::Debug for ProjectionRegistry<E, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let projections = self.shared.projections.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("ProjectionRegistry")
            .field("projections", &projections.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
