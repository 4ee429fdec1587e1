use std::{any::Any, error::Error as StdError, time::Duration};

use eventstore_api::message_with_causes;

use crate::{Error, ErrorOrText, Panicked, ProjectionError, Rejection};

/// Why a query got no answer.
///
/// In a function whose errors are plain text, `?` turns it into its message with those of its causes.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// Nobody answers such queries.
    #[error(
        "no handler is registered for {0}; mark one with #[query_handler] and let the bus `discover` it, or give it by hand"
    )]
    NotFound(String),
    /// The handler of such queries answers with another type.
    #[error("`{query}` is answered with `{answer}`, not with `{wanted}`; ask for that")]
    OtherAnswer {
        /// The name of the query.
        query: &'static str,
        /// What its handler answers with.
        answer: &'static str,
        /// What was asked for.
        wanted: &'static str,
    },
    /// A query was to wait for read models, and its handler has been given none.
    #[error(
        "`{query}` has nothing to wait for; give the bus its read model with `projection`, and let the handler take the \
         `ProjectionHandle` as an argument"
    )]
    NothingToWaitFor {
        /// The name of the query.
        query: &'static str,
    },
    /// Who asked may not.
    #[error("denied: {0}")]
    Denied(String),
    /// It took too long, and was given up.
    #[error("given up after {0:?}")]
    TimedOut(Duration),
    /// More wait for their turn than may.
    #[error("{waiting} others wait already; try again later")]
    Overloaded {
        /// How many.
        waiting: usize,
    },
    /// The handler panicked, or a layer around it.
    #[error("the handler of `{query}` failed, or what stands around it")]
    Panicked {
        /// The name of the query.
        query: &'static str,
        /// How.
        source: Panicked,
    },
    /// The handler refused, or failed.
    #[error("{0}")]
    Failed(Rejection),
    /// A read model did not come to where the query wants it.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] Error),
    /// Something went wrong on the way.
    #[error("{0}")]
    Internal(String),
}

impl QueryError {
    /// What a handler answers that has no answer: any error, or a text. A `QueryError` stays as it is, those of the store and of
    /// projections become the variants of that name, and the rest are [failures](QueryError::Failed).
    pub fn failed(reason: impl ErrorOrText) -> Self {
        let reason = match reason.into_error().downcast::<Self>() {
            Ok(this) => return *this,
            Err(reason) => reason,
        };
        let reason = match reason.downcast::<ProjectionError>() {
            Ok(error) => return Self::Projection(*error),
            Err(reason) => reason,
        };
        match reason.downcast::<Error>() {
            Ok(error) => Self::Store(*error),
            Err(reason) => Self::Failed(Rejection::new(reason)),
        }
    }

    /// The error that the handler failed with, if it is of this type.
    #[must_use]
    pub fn failure<R: StdError + 'static>(&self) -> Option<&R> {
        match self {
            Self::Failed(rejection) => rejection.downcast_ref(),
            _ => None,
        }
    }

    /// One word for what became of the query, as in metrics.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::NotFound(_) | Self::OtherAnswer { .. } | Self::NothingToWaitFor { .. } => "unhandled",
            Self::Denied(_) => "denied",
            Self::TimedOut(_) | Self::Projection(ProjectionError::TimedOut { .. }) => "timed_out",
            Self::Overloaded { .. } => "overloaded",
            Self::Panicked { .. } => "panicked",
            Self::Failed(_) | Self::Projection(_) | Self::Store(_) | Self::Internal(_) => "failed",
        }
    }

    pub(crate) fn panicked(query: &'static str, payload: &(dyn Any + Send)) -> Self {
        Self::Panicked { query, source: Panicked::new(payload) }
    }
}

impl From<QueryError> for String {
    fn from(error: QueryError) -> Self {
        message_with_causes(&error)
    }
}
