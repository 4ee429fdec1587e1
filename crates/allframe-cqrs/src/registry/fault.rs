use std::{error::Error as StdError, sync::Arc};

use eventstore_api::{GlobalPosition, StreamId, Timestamp};

use crate::{
    Error,
    panicked::{NotApplied, Panicked},
};

/// Which event a projection could not take in, and why.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "the event at position {position}{} could not be applied (attempts: {attempts})",
    stream.as_ref().map(|stream| format!(" of stream `{stream}`")).unwrap_or_default()
)]
#[non_exhaustive]
pub struct ProjectionFault {
    /// Its place in the order of all events. Where the store itself failed, or the read model's database: up to where everything was well.
    pub position: GlobalPosition,
    /// Its stream, where it is known.
    pub stream: Option<StreamId>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it failed the last time.
    pub at: Timestamp,
    /// Why.
    #[source]
    pub cause: FaultCause,
}

impl ProjectionFault {
    pub(super) fn warn(&self, name: &str) {
        let error: &dyn StdError = self;
        tracing::warn!(error, name, cause = %self.cause, "a projection met a fault");
    }
}

/// Why a projection did not take an event in.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FaultCause {
    /// `apply` panicked.
    #[error(transparent)]
    Panicked(Panicked),
    /// `try_apply` answered an error.
    #[error("the projection refused it")]
    Refused(#[source] Arc<dyn StdError + Send + Sync>),
    /// The event was applied, and what it asked to be done outside has failed.
    #[error("what it asked to be done outside has failed")]
    Effect(#[source] Arc<dyn StdError + Send + Sync>),
    /// The event cannot be read as the type the projection asks for.
    #[error("it cannot be read")]
    Unreadable(#[source] Error),
    /// The database of the read model does not answer. It is asked for ever, and no event is to blame.
    #[error("its read model failed")]
    ReadModel(#[source] Arc<dyn StdError + Send + Sync>),
    /// The store did not answer, and would not if it were asked again.
    #[error("the store failed")]
    Store(#[source] Error),
}

impl From<NotApplied> for FaultCause {
    fn from(why: NotApplied) -> Self {
        match why {
            NotApplied::Panicked(panicked) => Self::Panicked(panicked),
            NotApplied::Refused(error) => Self::Refused(error.into()),
        }
    }
}

/// What was met, before it is known how often it was tried.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) position: GlobalPosition,
    pub(super) stream: Option<StreamId>,
    pub(super) cause: FaultCause,
}

impl Failure {
    /// Whether something outside does not answer, whatever the event, and may answer later.
    pub(super) fn is_outage(&self) -> bool {
        match &self.cause {
            FaultCause::ReadModel(_) => true,
            FaultCause::Store(error) => error.is_retryable(),
            _ => false,
        }
    }

    /// Whether the store is to blame, whatever the event: no policy of events says what becomes of it.
    pub(super) fn is_of_the_store(&self) -> bool {
        matches!(self.cause, FaultCause::Store(_))
    }

    pub(super) fn after(self, attempts: u32) -> ProjectionFault {
        let Self { position, stream, cause } = self;
        ProjectionFault { position, stream, attempts, at: Timestamp::now(), cause }
    }
}

/// An event that a projection has gone past without it, as its [policy](super::FaultPolicy) says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParkedEvent {
    /// Its place in the order of all events.
    pub position: GlobalPosition,
    /// Why it was not taken in, with all causes.
    pub reason: String,
    /// When it was parked.
    pub parked_at: Timestamp,
}

impl ParkedEvent {
    /// One that lies parked since then.
    #[must_use]
    pub fn new(position: GlobalPosition, reason: String, parked_at: Timestamp) -> Self {
        Self { position, reason, parked_at }
    }
}
