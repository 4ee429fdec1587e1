mod append;
mod batch;
mod catch_up;
mod project;
mod range;
mod read;
mod settle;
mod state_at;
mod subscribe;

use std::{fmt, sync::Arc};

pub use batch::Batch;
pub use catch_up::CatchUp;
use eventstore_api::{BackendStats, EventStoreBackend};
pub(crate) use range::FixedRange;
pub use read::{EventStream, Matching};
pub use state_at::StateAt;

#[cfg(feature = "schema")]
use crate::schema::Validators;
use crate::{
    DefaultBackend, Event, PayloadCodec, Result, VersionRegistry, VersioningError, one_at_a_time::OneAtATime,
    registry::InlineProjections, versioning::EventReader,
};

/// An event store for events of type `E`: typed events above, a backend that stores bytes below.
///
/// Cloning one is cheap and gives another handle to the same store. Any number of stores, of the same type of events or of
/// different ones, may stand on one backend: share it as an `Arc`. Events are told apart by the names they are stored
/// under, so two types on one backend must not share a name: where both have a `Created`, set them apart with
/// `#[event(prefix = "user.")]` before the first is stored.
///
/// ```
/// use allframe_cqrs::{event, EventStore};
/// use serde::{Deserialize, Serialize};
///
/// #[event]
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// enum AccountEvent {
///     Opened { owner: String },
///     Deposited { amount: u64 },
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = EventStore::new();
/// store.append("account-7", vec![AccountEvent::Opened { owner: "ann".into() }]).await?;
/// store.append("account-7", vec![AccountEvent::Deposited { amount: 42 }]).await?;
///
/// assert_eq!(store.get_events_after("account-7", 1).await?, [AccountEvent::Deposited { amount: 42 }]);
/// # Ok::<(), allframe_cqrs::Error>(()) }).unwrap();
/// ```
///
/// To choose the backend at run time, put it behind `dyn`:
///
/// ```
/// # use allframe_cqrs::event;
/// # #[event]
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// # struct Deposited { amount: u64 }
/// use std::sync::Arc;
/// use allframe_cqrs::{EventStore, EventStoreBackend, InMemoryBackend};
///
/// let backend: Arc<dyn EventStoreBackend> = Arc::new(InMemoryBackend::new());
/// let store = EventStore::<Deposited, _>::with_backend(backend);
/// ```
pub struct EventStore<E, B = DefaultBackend> {
    backend: Arc<B>,
    codec: PayloadCodec,
    /// What an append waits for, whichever handle it goes through.
    inline: Arc<InlineProjections>,
    /// Of those who meet at a stream while they decide, whichever handle they go through.
    turns: Arc<OneAtATime>,
    /// What makes events of records.
    reader: Arc<EventReader<E>>,
    /// What payloads are checked against before they are stored, if they are.
    #[cfg(feature = "schema")]
    validators: Option<Arc<Validators>>,
}

#[cfg(feature = "memory")]
impl<E> EventStore<E> {
    /// An empty store in memory.
    #[must_use]
    pub fn new() -> Self {
        Self::with_backend(eventstore_memory::InMemoryBackend::new())
    }
}

#[cfg(feature = "memory")]
impl<E> Default for EventStore<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E, B: EventStoreBackend> EventStore<E, B> {
    /// A store on this backend.
    #[must_use]
    pub fn with_backend(backend: B) -> Self {
        Self {
            backend: Arc::new(backend),
            codec: PayloadCodec::default(),
            inline: Arc::default(),
            turns: Arc::default(),
            reader: Arc::new(EventReader::new()),
            #[cfg(feature = "schema")]
            validators: None,
        }
    }

    /// The same store, which from now on writes payloads with this codec. It reads all codecs either way.
    #[must_use]
    pub fn with_codec(mut self, codec: PayloadCodec) -> Self {
        self.codec = codec;
        self
    }

    /// The same store, which reads earlier events by these rules too, beside those that the type has by itself. Handles that
    /// were cloned before do not.
    ///
    /// # Errors
    ///
    /// [`VersioningError`] with everything that is wrong: an earlier form that nothing reads, one that is read in two ways, a
    /// circle. A store without this finds what is wrong with the type itself when it is first used.
    pub fn with_versions(mut self, versions: VersionRegistry<E>) -> Result<Self, VersioningError>
    where
        E: Event,
    {
        self.reader = Arc::new(EventReader::with(versions)?);
        Ok(self)
    }

    /// The backend, with all that it can do beside.
    #[must_use]
    pub fn backend(&self) -> &B {
        &self.backend
    }

    /// The same store with its backend behind `dyn`, for code that is to work with a store on any.
    #[must_use]
    pub fn to_dyn(&self) -> EventStore<E, Arc<dyn EventStoreBackend>> {
        let backend: Arc<dyn EventStoreBackend> = self.shared_backend();
        EventStore {
            backend: Arc::new(backend),
            codec: self.codec,
            inline: Arc::clone(&self.inline),
            turns: Arc::clone(&self.turns),
            reader: Arc::clone(&self.reader),
            #[cfg(feature = "schema")]
            validators: self.validators.clone(),
        }
    }

    /// Makes everything acknowledged durable. With a backend's default durability it is so already.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store) with what kept the backend from writing.
    pub async fn flush(&self) -> Result<()> {
        Ok(self.backend.flush().await?)
    }

    /// How much the backend holds, of events of all types.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store) with what kept the backend from counting.
    pub async fn stats(&self) -> Result<BackendStats> {
        Ok(self.backend.stats().await?)
    }

    pub(crate) fn shared_backend(&self) -> Arc<B> {
        Arc::clone(&self.backend)
    }

    pub(crate) fn inline(&self) -> &InlineProjections {
        &self.inline
    }

    pub(crate) fn turns(&self) -> &OneAtATime {
        &self.turns
    }

    pub(crate) fn reader(&self) -> &EventReader<E> {
        &self.reader
    }

    pub(crate) fn shared_reader(&self) -> Arc<EventReader<E>> {
        Arc::clone(&self.reader)
    }

    #[cfg(feature = "schema")]
    pub(crate) fn validate_appends(&mut self, validators: Arc<Validators>) {
        self.validators = Some(validators);
    }

    pub(crate) fn codec(&self) -> PayloadCodec {
        self.codec
    }
}

// By hand: a handle to a store can be cloned whether or not its events and its backend can.
impl<E, B> Clone for EventStore<E, B> {
    fn clone(&self) -> Self {
        Self {
            backend: Arc::clone(&self.backend),
            codec: self.codec,
            inline: Arc::clone(&self.inline),
            turns: Arc::clone(&self.turns),
            reader: Arc::clone(&self.reader),
            #[cfg(feature = "schema")]
            validators: self.validators.clone(),
        }
    }
}

impl<E, B: fmt::Debug> fmt::Debug for EventStore<E, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStore")
            .field("events", &std::any::type_name::<E>())
            .field("backend", &self.backend)
            .field("codec", &self.codec)
            .finish()
    }
}
