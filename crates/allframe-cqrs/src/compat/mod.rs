//! AllFrame's names with AllFrame's type parameters and answers.
//!
//! In AllFrame a backend stores one type of events, which it names: `InMemoryBackend<MyEvent>`,
//! `B: EventStoreBackend<MyEvent>`. Here a backend stores bytes and names none. Code that spells the parameter out
//! imports the names from here, and everything else from the crate's root. So does code with a `CommandBus`, whose `dispatch`
//! answers with a `Vec` of events that are stored by whoever called it.
//!
//! ```
//! # use allframe_cqrs::event;
//! # #[event]
//! # #[derive(Clone, serde::Serialize, serde::Deserialize)]
//! # struct Deposited { amount: u64 }
//! use allframe_cqrs::compat::{EventStoreBackend, InMemoryBackend};
//! use allframe_cqrs::{Event, EventStore};
//!
//! let store: EventStore<Deposited, InMemoryBackend<Deposited>> = EventStore::new();
//! count(store);
//!
//! fn count<E: Event, B: EventStoreBackend<E>>(store: EventStore<E, B>) { let _ = store.get_all_events(); }
//! ```

#[cfg(feature = "memory")]
mod command_bus;

#[cfg(feature = "memory")]
mod saga;

#[cfg(feature = "memory")]
pub use command_bus::CommandBus;
#[cfg(feature = "memory")]
pub use saga::{
    CompensationStrategy, OrchestratorSagaStep, SagaDefinition, SagaError, SagaMetadata, SagaOrchestrator,
    SagaResult, SagaStatus,
};

/// A backend for events of type `E`: any backend, for any `E`.
pub trait EventStoreBackend<E>: eventstore_api::EventStoreBackend {}

impl<E, B: eventstore_api::EventStoreBackend> EventStoreBackend<E> for B {}

/// The in-memory backend, whatever type of events it is said to hold.
#[cfg(feature = "memory")]
pub type InMemoryBackend<E> = <E as AnyEvent>::InMemory;

/// The durable backend in a directory, whatever type of events it is said to hold.
///
/// ```
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// # struct Deposited { amount: u64 }
/// # impl allframe_cqrs::EventTypeName for Deposited {}
/// # impl allframe_cqrs::Event for Deposited {}
/// use allframe_cqrs::{EventStore, compat::AllSourceBackend};
///
/// fn open(data_path: &str) -> Result<EventStore<Deposited, AllSourceBackend<Deposited>>, String> {
///     Ok(EventStore::with_backend(AllSourceBackend::<Deposited>::production(data_path)?))
/// }
/// # let directory = tempfile::tempdir().unwrap();
/// # open(directory.path().to_str().unwrap()).unwrap();
/// ```
#[cfg(feature = "wal")]
pub type AllSourceBackend<E> = <E as AnyEvent>::AllSource;

/// What lets a type alias take a parameter and not use it.
#[cfg(any(feature = "memory", feature = "wal"))]
#[doc(hidden)]
pub trait AnyEvent {
    /// The in-memory backend.
    #[cfg(feature = "memory")]
    type InMemory;
    /// The durable backend.
    #[cfg(feature = "wal")]
    type AllSource;
}

#[cfg(any(feature = "memory", feature = "wal"))]
impl<E: ?Sized> AnyEvent for E {
    #[cfg(feature = "memory")]
    type InMemory = eventstore_memory::InMemoryBackend;
    #[cfg(feature = "wal")]
    type AllSource = eventstore_wal::WalBackend;
}
