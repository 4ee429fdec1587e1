use std::{error::Error as StdError, fmt, sync::Arc};

use eventstore_api::StreamId;

use super::SagaId;
use crate::Error;

/// Why something that was asked of sagas was not done.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SagaError {
    /// What the store answered.
    #[error(transparent)]
    Store(#[from] Error),
    /// It is no name of a type of sagas, or no id.
    #[error("`{name}` cannot be taken: {reason}")]
    InvalidName {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A definition cannot be carried out.
    #[error("the saga `{saga}` cannot be carried out: {}", list(.problems))]
    InvalidDefinition {
        /// The name of the type.
        saga: String,
        /// Everything that is wrong.
        problems: Vec<DefinitionProblem>,
    },
    /// Two definitions have one name.
    #[error("there are two sagas `{saga}`; give one another name")]
    TwoDefinitions {
        /// The name.
        saga: String,
    },
    /// No saga of this type was given to the orchestrator.
    #[error("there is no saga `{saga}` here; give its definition to the orchestrator's builder")]
    NoDefinition {
        /// The name of the type.
        saga: String,
    },
    /// The input is not what the steps read.
    #[error("the saga `{saga}` is begun with a `{expected}`, and what it was given cannot be read as one")]
    WrongInput {
        /// The name of the type.
        saga: String,
        /// The type of its input.
        expected: &'static str,
        /// What stood in the way.
        source: Arc<serde_json::Error>,
    },
    /// What a step is to have answered cannot be stored.
    #[error("the output cannot be stored as JSON")]
    Output {
        /// What stood in the way.
        source: Arc<serde_json::Error>,
    },
    /// There is one of this id, which was begun with something else.
    #[error("there is a saga `{saga}` already, which was begun with another input; take another id")]
    IdTaken {
        /// Which.
        saga: SagaId,
    },
    /// There is no such saga.
    #[error("there is no saga `{saga}`")]
    NotFound {
        /// Which.
        saga: SagaId,
    },
    /// It is not in a state in which this can be done.
    #[error("the saga `{saga}` is {status}, where it cannot be {asked}")]
    NotNow {
        /// Which.
        saga: SagaId,
        /// Where it is.
        status: &'static str,
        /// What was to become of it.
        asked: &'static str,
    },
    /// A stored event of a saga cannot be read.
    #[error("the event of version {version} of `{stream}` is not one of a saga that this program can read")]
    Unreadable {
        /// The stream.
        stream: StreamId,
        /// The version.
        version: eventstore_api::Version,
        /// What stood in the way.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// The orchestrator has been closed.
    #[error("the orchestrator has been closed")]
    Closed,
}

/// What is wrong with a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DefinitionProblem {
    /// It has no steps.
    NoSteps,
    /// The name of a step is not 1 to 64 letters, digits, `_` and `.`.
    InvalidStepName {
        /// The name.
        step: String,
    },
    /// Two steps have one name.
    TwoSteps {
        /// The name.
        step: String,
    },
    /// A step waits for one that there is not.
    NoSuchStep {
        /// Who waits.
        step: String,
        /// For whom.
        after: String,
    },
    /// A step waits for itself, by way of others.
    Circle {
        /// One of them.
        step: String,
    },
}

impl fmt::Display for DefinitionProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSteps => f.write_str("it has no steps"),
            Self::InvalidStepName { step } => {
                write!(f, "the name of the step `{step}` is not 1 to 64 letters, digits, `_` and `.`")
            }
            Self::TwoSteps { step } => write!(f, "two steps are called `{step}`"),
            Self::NoSuchStep { step, after } => {
                write!(f, "`{step}` is to come after `{after}`, and there is no such step")
            }
            Self::Circle { step } => write!(f, "`{step}` waits for itself"),
        }
    }
}

fn list(problems: &[DefinitionProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl From<SagaError> for String {
    fn from(error: SagaError) -> Self {
        eventstore_api::message_with_causes(&error)
    }
}
