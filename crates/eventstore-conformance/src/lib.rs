#![doc = include_str!("../README.md")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test-suite: its job is to panic when a backend breaks a law"
)]

#[cfg(doctest)]
mod backend_guide;
mod case;
mod deadline;
mod errors;
mod events;
mod factory;
pub mod history;
pub mod intercept;
#[doc(hidden)]
pub mod laws;
pub mod model;
mod opened;
mod polling;
mod race;
mod reading;
mod settings;
#[doc(hidden)]
pub mod state_machine;
#[doc(hidden)]
pub mod suite;
mod sure;
mod table;
mod test_store;

pub use async_trait::async_trait;
#[doc(hidden)]
pub use case::run_case_of_suite;
pub use case::{Case, cases, run_case};
pub use factory::{BackendFactory, Persistence, SecondOpener, Volatile};
pub use opened::AnyBackend;
pub use test_store::TestStore;
