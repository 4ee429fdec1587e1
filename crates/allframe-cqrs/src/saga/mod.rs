//! Sagas: several steps that are all carried out, or undone, whatever dies meanwhile.
//!
//! A saga is a stream of [events](SagaEvent) of its own. What it decides is stored before it is acted upon; so whoever goes on with
//! it after a crash, in this process or another, knows what may have been done. Each step is given a key, always the same, and what
//! it does is done once where it honours that. A saga always ends: completed, or compensated in reverse order of what really ran, or
//! parked for a person with the reason.
//!
//! [`SagaDefinition`] has the steps of a type of sagas, [`SagaOrchestrator`] starts and drives them, and [`Sagas`] is for people who
//! look at them and step in.
//!
//! # In here
//!
//! `state` is what the events of a stream add up to, and `decide` what follows from that: neither does anything. `drive` stores what
//! was decided and makes the attempts; `worker` gives sagas to drivers, with the `index` of those that are not over, and the
//! `lease`s of processes; `shared` is what both and the handles see.

mod attempt;
mod builder;
mod command_step;
mod context;
mod decide;
#[cfg(feature = "macros")]
mod declared;
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
#[cfg(all(doctest, feature = "macros"))]
mod page;
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
pub use command_step::{DeclaredCommand, UndoCommand, UndoneByInverse};
pub use context::StepContext;
#[cfg(feature = "macros")]
#[doc(hidden)]
pub use declared::{Answer, DeclaredOutput, PlainAnswer};
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
