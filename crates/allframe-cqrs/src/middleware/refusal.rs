use std::time::Duration;

use crate::{CommandError, QueryError};

/// Why a layer does not let a request go on, in words that commands and queries have both.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Who asked may not; the reason, which the caller is told.
    Denied(String),
    /// It took longer than this.
    TimedOut(Duration),
    /// So many wait already.
    Overloaded {
        /// How many.
        waiting: usize,
    },
}

impl From<Refusal> for CommandError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Denied(reason) => Self::Denied(reason),
            Refusal::TimedOut(after) => Self::TimedOut(after),
            Refusal::Overloaded { waiting } => Self::Overloaded { waiting },
        }
    }
}

impl From<Refusal> for QueryError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Denied(reason) => Self::Denied(reason),
            Refusal::TimedOut(after) => Self::TimedOut(after),
            Refusal::Overloaded { waiting } => Self::Overloaded { waiting },
        }
    }
}

/// An error that says in one word what became of a request.
pub trait Outcome {
    /// The word, from a fixed few: a label for metrics.
    fn outcome(&self) -> &'static str;
}

impl Outcome for CommandError {
    fn outcome(&self) -> &'static str {
        Self::outcome(self)
    }
}

impl Outcome for QueryError {
    fn outcome(&self) -> &'static str {
        Self::outcome(self)
    }
}
