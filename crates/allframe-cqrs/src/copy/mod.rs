//! A store rewritten into a new one through a function, for what reading old events [as new ones](crate::VersionRegistry)
//! cannot solve: streams that are split or merged, events that are renamed, dropped or encoded otherwise.

mod batch;
mod builder;
mod checksum;
mod comparison;
mod control;
mod difference;
mod error;
mod limits;
mod mark;
mod original;
mod output;
mod pages;
mod place;
mod progress;
mod reencode;
mod report;
mod run;
mod staged;
mod toolkit_streams;
mod transform;
mod verify;

pub use builder::StoreCopy;
pub use difference::{Difference, DifferenceCause, DifferenceKind, EventPart};
pub use error::CopyError;
pub use limits::CopyOrder;
pub use original::{ORIGINALLY_RECORDED_AT, originally_recorded_at};
pub use output::Output;
pub use place::EventPlace;
pub use progress::{CopyPhase, CopyProgress};
pub use reencode::Reencode;
pub use report::{CopyCounts, CopyReport, TypeCounts, VerifyReport};
pub use toolkit_streams::KeyRecords;
pub use transform::{IntoTransformed, KeepAll, Transform, TransformError, TransformFunction};
