//! Events of every earlier form, read as those of today.
//!
//! What is here goes by the crate's own name too: `allframe_cqrs::VersionRegistry`.

mod allframe;
mod chains;
mod earlier;
mod error;
#[cfg(all(doctest, feature = "macros"))]
mod page;
mod parts;
mod reader;
mod registry;
mod step;
pub mod testing;
mod unknown;
mod upcaster;

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
