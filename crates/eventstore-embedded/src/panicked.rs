/// What is said when a thread of a store has panicked, the source of a [`StoreError`](eventstore_api::StoreError).
///
/// The [`Writer`](crate::Writer) says it of itself. An [`Engine`](crate::Engine) that has threads of its own says it when it is
/// closed and one of them has panicked.
///
/// ```
/// use eventstore_api::StoreError;
/// use eventstore_embedded::Panicked;
///
/// let thread = std::thread::spawn(|| 1 + 1);
/// let ended = thread.join().map_err(|_| StoreError::storage(Panicked));
/// assert_eq!(ended.unwrap(), 2);
/// ```
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a thread of the store panicked; reopen the store, which recovers it")]
pub struct Panicked;
