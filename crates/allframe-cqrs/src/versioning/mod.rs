//! Events of every earlier form, read as those of today.
//!
//! What has changed is declared on the fields of the event, or said by upcasters in a [`VersionRegistry`]. Whoever reads then meets events
//! of today's type alone.
//!
//! ```
//! use allframe_cqrs::{EventStore, InMemoryBackend, event};
//! use serde::{Deserialize, Serialize};
//!
//! /// What a program stored years ago.
//! #[event(rename = "Deposited")]
//! #[derive(Clone, Serialize, Deserialize)]
//! struct DepositedV1 { euros: u64 }
//!
//! #[event(version = 2)]
//! #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
//! struct Deposited {
//!     #[renamed(from = "euros", version = 2)]
//!     #[converted(version = 2, with = |euros: u64| euros * 100)]
//!     cents: u64,
//!     #[added(version = 2, default = "EUR")]
//!     currency: String,
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let backend = InMemoryBackend::new();
//! EventStore::with_backend(backend.clone()).append("account-7", vec![DepositedV1 { euros: 42 }]).await?;
//!
//! let store = EventStore::<Deposited, _>::with_backend(backend);
//! assert_eq!(store.get_events("account-7").await?, [Deposited { cents: 4_200, currency: "EUR".into() }]);
//! # Ok::<(), allframe_cqrs::Error>(()) }).unwrap();
//! ```
//!
//! What is here goes by the crate's own name too: `allframe_cqrs::VersionRegistry`.

mod allframe;
mod chains;
mod earlier;
mod error;
mod filter;
mod graph;
#[cfg(all(doctest, feature = "macros"))]
mod page;
mod parts;
mod reader;
mod registry;
mod step;
pub mod testing;
mod today;
mod unknown;
mod upcaster;
mod upcasting;

pub use allframe::{MigrationPath, VersionedEvent};
pub use earlier::EarlierPayload;
#[doc(hidden)]
pub use earlier::{EarlierValue, HasDefault};
pub use error::{VersioningError, VersioningProblem};
pub(crate) use parts::Parts;
pub(crate) use reader::EventReader;
#[cfg(feature = "schema")]
pub(crate) use reader::ReadNow;
pub use registry::VersionRegistry;
pub use step::EventForm;
#[doc(hidden)]
pub use unknown::HoldsUnknown;
pub use unknown::{UnknownEvent, UnknownEvents};
pub use upcaster::{AutoUpcaster, IntoUpcast, IntoUpcastJson, UpcastContext, UpcastError, Upcaster};
