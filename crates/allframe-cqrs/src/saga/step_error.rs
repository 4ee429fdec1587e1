use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use eventstore_api::message_with_causes;
use serde::{Deserialize, Serialize};

use crate::{CommandError, Error, ErrorOrText, ExecuteError, panicked::guarded};

/// Why a step, or the undoing of one, did not succeed.
///
/// Its kind says what follows. `?` makes one of a [`CommandError`] and of an [`Error`] of the store, which know their kind; of
/// any other error the step says which it is.
///
/// ```
/// use allframe_cqrs::saga::{StepError, StepErrorKind};
///
/// fn pay(answer: u16) -> Result<(), StepError> {
///     match answer {
///         200 => Ok(()),
///         402 => Err(StepError::rejected("the card was declined")),
///         503 => Err(StepError::retryable("the bank is closed")),
///         _ => Err(StepError::uncertain("the bank did not say")),
///     }
/// }
///
/// assert_eq!(pay(503).unwrap_err().kind(), StepErrorKind::Retryable);
/// ```
#[derive(Clone)]
pub struct StepError {
    kind: StepErrorKind,
    source: Arc<dyn StdError + Send + Sync>,
    retry_after: Option<Duration>,
}

/// How much of what an error says is stored.
const MAX_MESSAGE_BYTES: usize = 8 << 10;

/// What a failure of a step means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepErrorKind {
    /// It was not done and will not be: trying again is no use. There is nothing to undo. That is said of all attempts, also those
    /// that a process died in: who is asked with the key of the step knows.
    Rejected,
    /// It was not done this time, and may be the next. When it has failed as often as it may, there is nothing to
    /// undo, unless one of the attempts may have done it.
    Retryable,
    /// Whether it was done is not known. It is tried again, with the same idempotency key; when it has failed as often as it may,
    /// it is undone, as something that may have been done.
    Uncertain,
}

impl StepError {
    /// It was not done, and trying again is no use.
    pub fn rejected(reason: impl ErrorOrText) -> Self {
        Self::new(StepErrorKind::Rejected, reason)
    }

    /// It was not done this time.
    pub fn retryable(reason: impl ErrorOrText) -> Self {
        Self::new(StepErrorKind::Retryable, reason)
    }

    /// Whether it was done is not known.
    pub fn uncertain(reason: impl ErrorOrText) -> Self {
        Self::new(StepErrorKind::Uncertain, reason)
    }

    /// The same error, after which the next attempt is made so much later, whatever the step's backoff says: as an answer with
    /// `Retry-After` asks for.
    #[must_use]
    pub fn with_retry_after(mut self, time: Duration) -> Self {
        self.retry_after = Some(time);
        self
    }

    /// What it means.
    #[must_use]
    pub fn kind(&self) -> StepErrorKind {
        self.kind
    }

    /// After how long to try again, where it says so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The error itself, if it is of this type.
    #[must_use]
    pub fn downcast_ref<R: StdError + 'static>(&self) -> Option<&R> {
        self.source.downcast_ref()
    }

    /// What it says, with all causes: as it is stored, and no more than a person reads.
    pub(super) fn message(&self) -> String {
        let told = guarded(|| message_with_causes(&*self.source));
        let mut message = told.unwrap_or_else(|panicked| format!("it did not say why: {panicked}"));
        if message.len() > MAX_MESSAGE_BYTES {
            message.truncate(message.floor_char_boundary(MAX_MESSAGE_BYTES));
            message.push_str(" ..");
        }
        message
    }

    fn new(kind: StepErrorKind, reason: impl ErrorOrText) -> Self {
        Self { kind, source: reason.into_error().into(), retry_after: None }
    }
}

/// A store that cannot for now is asked again; what it refuses is refused.
impl From<Error> for StepError {
    fn from(error: Error) -> Self {
        Self::new(kind_of(&error), error)
    }
}

/// A command that was refused is rejected; one that met others, or a store that cannot for now, is sent again.
impl From<CommandError> for StepError {
    fn from(error: CommandError) -> Self {
        let kind = match &error {
            CommandError::Store(error) => kind_of(error),
            CommandError::Overloaded { .. } => StepErrorKind::Retryable,
            CommandError::TimedOut(_) | CommandError::Panicked { .. } | CommandError::Internal(_) => {
                StepErrorKind::Uncertain
            }
            _ => StepErrorKind::Rejected,
        };
        Self::new(kind, error)
    }
}

/// What an aggregate refuses is rejected.
impl<R: ErrorOrText> From<ExecuteError<R>> for StepError {
    fn from(error: ExecuteError<R>) -> Self {
        match error {
            ExecuteError::Rejected(reason) => Self::rejected(reason),
            ExecuteError::Failed(error) => error.into(),
        }
    }
}

fn kind_of(error: &Error) -> StepErrorKind {
    if !error.outcome_is_known() {
        StepErrorKind::Uncertain
    } else if error.is_retryable() || error.is_conflict() {
        StepErrorKind::Retryable
    } else {
        StepErrorKind::Rejected
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl fmt::Debug for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepError").field("kind", &self.kind).field("source", &self.source).finish()
    }
}

impl StdError for StepError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.source()
    }
}
