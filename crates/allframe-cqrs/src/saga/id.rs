use std::fmt;

use eventstore_api::StreamId;

use super::SagaError;

/// Which saga: its type, and which of that type.
///
/// Its stream is `saga-TYPE-ID`. A type is 1 to 64 letters, digits, `_` and `.`; an id is 1 to 360
/// bytes of what a stream's name may hold.
///
/// ```
/// use allframe_cqrs::saga::SagaId;
///
/// let id = SagaId::new("reaccommodation", "UA-1545")?;
/// assert_eq!(id.stream().as_str(), "saga-reaccommodation-UA-1545");
/// assert_eq!((id.saga(), id.id()), ("reaccommodation", "UA-1545"));
/// assert!(SagaId::new("re-accommodation", "UA-1545").is_err());
/// # Ok::<(), allframe_cqrs::saga::SagaError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SagaId {
    stream: StreamId,
    type_bytes: usize,
}

/// What the names of all sagas' streams begin with.
pub(crate) const PREFIX: &str = "saga-";

/// Longest name of a type, in bytes.
const MAX_TYPE_BYTES: usize = 64;
/// Longest id, in bytes: with the name of a step behind it, it still is a legal idempotency key.
const MAX_ID_BYTES: usize = 360;

impl SagaId {
    /// The saga of this type with this id.
    ///
    /// # Errors
    ///
    /// [`SagaError::InvalidName`] for what is no name of a type, and an id that is empty or too long; [`SagaError::Store`] for one that
    /// makes no legal stream.
    pub fn new(saga: &str, id: &str) -> Result<Self, SagaError> {
        check_type(saga)?;
        if id.is_empty() || id.len() > MAX_ID_BYTES {
            let reason = "the id of a saga has 1 to 360 bytes";
            return Err(SagaError::InvalidName { name: id.to_owned(), reason });
        }
        let stream = StreamId::new(prefix_of(saga) + id).map_err(crate::Error::from)?;
        Ok(Self { stream, type_bytes: saga.len() })
    }

    /// The saga whose stream this is.
    #[must_use]
    pub fn of_stream(stream: &StreamId) -> Option<Self> {
        let (saga, id) = stream.as_str().strip_prefix(PREFIX)?.split_once('-')?;
        (check_type(saga).is_ok() && !id.is_empty())
            .then(|| Self { stream: stream.clone(), type_bytes: saga.len() })
    }

    /// Its type.
    #[must_use]
    pub fn saga(&self) -> &str {
        self.stream.as_str().get(PREFIX.len()..PREFIX.len() + self.type_bytes).unwrap_or_default()
    }

    /// Which of its type it is.
    #[must_use]
    pub fn id(&self) -> &str {
        self.stream.as_str().get(PREFIX.len() + self.type_bytes + 1..).unwrap_or_default()
    }

    /// Its stream.
    #[must_use]
    pub fn stream(&self) -> &StreamId {
        &self.stream
    }
}

/// What the names of the streams of all sagas of this type begin with, and no others where it is a legal one.
pub(super) fn prefix_of(saga: &str) -> String {
    format!("{PREFIX}{saga}-")
}

/// Refuses what would make the name of a stream that could be that of another type.
pub(super) fn check_type(saga: &str) -> Result<(), SagaError> {
    let refuse = |reason| Err(SagaError::InvalidName { name: saga.to_owned(), reason });
    if saga.is_empty() || saga.len() > MAX_TYPE_BYTES {
        return refuse("the name of a saga's type has 1 to 64 bytes");
    }
    if !saga.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.')) {
        return refuse("the name of a saga's type is made of letters, digits, `_` and `.`");
    }
    Ok(())
}

impl fmt::Display for SagaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.saga(), self.id())
    }
}

impl fmt::Debug for SagaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
