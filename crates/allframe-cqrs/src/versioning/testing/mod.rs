//! Proofs that events of every released form still read as today's type.
//!
//! - [`GoldenSamples`] keeps an event of every version in a file of your repository, and asserts that each still reads as it did
//!   and that none was changed.
//! - [`Reader`] reads events as earlier programs stored them, for tests of single upcasters and for properties.
//!
//! ```
//! use allframe_cqrs::{event, versioning::testing::Reader};
//! use serde::{Deserialize, Serialize};
//!
//! #[event(rename = "Deposited")]
//! #[derive(Clone, Serialize, Deserialize)]
//! struct DepositedV1 { euros: u64 }
//!
//! #[event(version = 2)]
//! #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
//! struct Deposited {
//!     #[renamed(from = "euros", version = 2)]
//!     #[converted(version = 2, with = cents)]
//!     cents: u64,
//! }
//!
//! fn cents(euros: u64) -> u64 { euros * 100 }
//!
//! // The property, for as many values as a generator makes: what an earlier program wrote reads as this.
//! for euros in [0, 1, 42] {
//!     let read = Reader::<Deposited>::new().read(&DepositedV1 { euros })?;
//!     assert_eq!(read, [Deposited { cents: euros * 100 }]);
//! }
//! # Ok::<(), allframe_cqrs::Error>(())
//! ```

mod error;
mod folder;
mod golden;
mod reader;
mod sample;
mod update;

pub use error::{GoldenError, GoldenProblem};
pub use golden::{GoldenReport, GoldenSamples};
pub use reader::Reader;
pub use update::UpdateSamples;
#[cfg(feature = "schema")]
pub(crate) use update::is_unattended;
