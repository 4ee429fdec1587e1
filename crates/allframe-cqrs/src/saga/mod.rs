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
//! ```
//! use allframe_cqrs::{EventStore, event, saga::{SagaDefinition, SagaOrchestrator, SagaOutcome, SagaStep, StepContext, StepError}};
//! use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
//!
//! #[event]
//! #[derive(Clone, serde::Serialize, serde::Deserialize)]
//! struct Booked { room: u32 }
//!
//! let free = Arc::new(AtomicU32::new(3));
//! let (taken, given_back) = (Arc::clone(&free), Arc::clone(&free));
//! let trip = SagaDefinition::<u32>::new("trip")
//!     .then(
//!         SagaStep::new("book", move |_: StepContext<u32>| {
//!             let left = taken.fetch_sub(1, Ordering::Relaxed) - 1;
//!             async move { Ok(left) }
//!         })
//!         .compensate(move |_, _| {
//!             given_back.fetch_add(1, Ordering::Relaxed);
//!             async { Ok(()) }
//!         }),
//!     )
//!     .then(SagaStep::new("pay", |context: StepContext<u32>| async move {
//!         match *context.input() {
//!             budget if budget < 100 => Err(StepError::rejected("the card was declined")),
//!             budget => Ok(budget - 100),
//!         }
//!     }));
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let store = EventStore::<Booked>::new();
//! let sagas = SagaOrchestrator::builder(&store).saga(trip).open().await?;
//! let ann = sagas.run("trip", "ann", &500_u32).await?;
//! assert_eq!((ann.output("pay").ok(), free.load(Ordering::Relaxed)), (Some(400), 2));
//!
//! let bob = sagas.run("trip", "bob", &50_u32).await?;           // booked, not paid, and so given back
//! assert!(matches!(bob, SagaOutcome::Compensated { .. }));
//! assert_eq!(free.load(Ordering::Relaxed), 2);
//! sagas.close().await;
//! # Ok::<(), allframe_cqrs::saga::SagaError>(()) }).unwrap();
//! ```
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
