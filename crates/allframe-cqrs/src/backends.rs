//! The backends that the features enable, under one roof.

#[cfg(feature = "memory")]
pub use eventstore_memory::InMemoryBackend;

/// The backend of an [`EventStore`](crate::EventStore) whose type names none.
#[cfg(feature = "memory")]
pub type DefaultBackend = InMemoryBackend;

/// The backend of an [`EventStore`](crate::EventStore) whose type names none: without the feature `memory` there is none,
/// and the type must name one.
#[cfg(not(feature = "memory"))]
#[derive(Debug)]
pub enum DefaultBackend {}
