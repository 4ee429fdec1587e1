//! Sagas: several steps that are all carried out, or undone, across crashes.
mod attempt;
mod builder;
mod command_step;
mod context;
mod decide;
#[cfg(feature = "macros")]
mod declared;
mod definition;
mod drive;
mod engine;
mod error;
mod event;
mod id;
mod index;
mod lease;
mod log;
mod orchestrator;
mod outcome;
mod saga_type;
mod shared;
mod snapshot;
mod state;
mod step;
mod step_error;
mod telemetry;
mod worker;

pub use builder::SagaOrchestratorBuilder;
pub use context::StepContext;
#[cfg(feature = "macros")]
#[doc(hidden)]
pub use declared::{Answer, DeclaredOutput, PlainAnswer};
pub use definition::SagaDefinition;
pub use error::{DefinitionProblem, SagaError};
pub use event::{AttemptFailed, SagaEvent, Started};
pub use id::SagaId;
pub use orchestrator::SagaOrchestrator;
pub use outcome::{SagaOutcome, StepOutputs};
pub use saga_type::{IntoSagaDefinition, Saga};
pub use step::{OnFailure, SagaStep};
pub use step_error::{StepError, StepErrorKind};
