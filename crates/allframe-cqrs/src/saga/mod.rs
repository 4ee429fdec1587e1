//! Sagas: several steps that are all carried out, or undone, across crashes.
mod attempt;
mod builder;
mod command_step;
mod context;
mod decide;
mod definition;
mod details;
mod drive;
mod engine;
mod error;
mod event;
mod id;
mod index;
#[cfg(feature = "memory")]
pub(crate) mod inline;
mod lease;
mod log;
mod orchestrator;
mod outcome;
mod saga_type;
mod sagas;
mod shared;
mod snapshot;
mod state;
mod step;
mod step_error;
mod sub_saga;
mod telemetry;
mod worker;

pub use builder::SagaOrchestratorBuilder;
#[doc(hidden)]
pub use command_step::UndoneByInverse;
pub use context::StepContext;
pub use definition::SagaDefinition;
pub use details::{SagaDetails, SagaStatus, SagaSummary, StepDetails, StepProgress};
pub use error::{DefinitionProblem, SagaError};
pub use event::{AttemptFailed, SagaEvent, Started};
pub use id::SagaId;
pub use orchestrator::SagaOrchestrator;
pub use outcome::{SagaOutcome, StepOutputs};
pub use saga_type::{IntoSagaDefinition, Saga};
pub use sagas::Sagas;
pub use step::{OnFailure, SagaStep};
pub use step_error::{StepError, StepErrorKind};
