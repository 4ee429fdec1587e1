//! Events of every earlier form, read as those of today.

mod allframe;
mod chains;
mod earlier;
mod error;
mod reader;
mod registry;
mod step;
mod unknown;
mod upcaster;

/// What a stored event reads as: one event, as a rule.
pub(crate) type Parts<T> = smallvec::SmallVec<[T; 1]>;

pub use allframe::{MigrationPath, VersionedEvent};
pub use earlier::EarlierPayload;
#[doc(hidden)]
pub use earlier::{EarlierValue, HasDefault};
pub use error::{VersioningError, VersioningProblem};
pub(crate) use reader::EventReader;
pub use registry::VersionRegistry;
pub use step::EventForm;
#[doc(hidden)]
pub use unknown::HoldsUnknown;
pub use unknown::{UnknownEvent, UnknownEvents};
pub use upcaster::{AutoUpcaster, IntoUpcast, IntoUpcastJson, UpcastContext, UpcastError, Upcaster};
