//! A store rewritten into a new one through a function, for what reading old events [as those of today](crate::VersionRegistry)
//! cannot solve: streams that are to be split or merged, events that are to be renamed, dropped, or encoded otherwise.
//!
//! Source and target are any two backends. The source is only read, and the applications go on with it meanwhile; what they
//! append is copied by running the same copy again.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! use allframe_cqrs::{EventStore, InMemoryBackend, copy::StoreCopy, event};
//!
//! #[event]
//! #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
//! struct Deposited { year: u32, amount: u64 }
//!
//! let old = EventStore::<Deposited>::new();
//! old.append("account-7", vec![Deposited { year: 2023, amount: 1 }, Deposited { year: 2024, amount: 2 }]).await?;
//!
//! // One stream a year, so that none of them grows for ever.
//! let new = EventStore::<Deposited>::new();
//! let copy = StoreCopy::new("by-year").from(old.backend()).to(new.backend()).transform(|record, output| {
//!     let deposited: Deposited = serde_json::from_slice(&record.payload)?;
//!     output.keep_in(format!("{}-{}", record.stream, deposited.year));
//!     Ok::<(), serde_json::Error>(())
//! });
//! let report = copy.run().await?;
//! assert_eq!((report.copied.read, report.copied.written), (2, 2));
//! assert_eq!(new.get_events("account-7-2024").await?, [Deposited { year: 2024, amount: 2 }]);
//!
//! // What has come since, once nothing more comes; and then, for those who want to be sure, everything once more.
//! old.append("account-7", vec![Deposited { year: 2024, amount: 3 }]).await?;
//! assert_eq!(copy.run().await?.copied.read, 1);
//! assert!(copy.verify().await?.is_same());
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! # What holds
//!
//! - **Once, whatever happens.** How far the copy is stands in the target, in the stream `$copy-NAME`, and is appended together
//!   with the events that it is about, all or nothing. A process that is killed, a future that is dropped and an answer that is
//!   lost neither lose nor double an event. Of two who make the same copy at once, one ends with [`CopyError::Concurrent`].
//! - **In order.** Events are written in the order of the source's positions; each stream of the target has the versions 1,
//!   2, 3 and so on. See [`CopyOrder`] for what that costs.
//! - **Nothing else.** The target is to be empty, and only the copy writes there: see [`StoreCopy::into_shared_target`].
//! - **Verified.** At its end a run reads both stores, asks the transform again and compares, and so does
//!   [`StoreCopy::verify`]. A transform that does not answer the same is found by that, and named.
//! - **Bounded.** It takes memory for a few times [`StoreCopy::batch_bytes`], whatever the stores hold.
//!
//! # What is kept
//!
//! | | in the target |
//! |---|---|
//! | id, metadata with correlation and causation ids, tags | as they were, as long as the transform begins with [`Output::event`]; where one event becomes several, the first keeps the id, and the others have one that is derived from it |
//! | the time at which an event was recorded | in the metadata ([`originally_recorded_at`]): a store gives every event the time at which it takes it |
//! | position | another one, in the same order |
//! | snapshots | not copied: they are of streams as they were. A repository makes new ones |
//! | records of idempotency keys (`$command-KEY`) | carried over, and name the events that theirs have become: a command that was carried out is not carried out again. With [`KeyRetention::For`](crate::KeyRetention::For) keys are remembered from the copy on |
//! | registered schemas (`$schema-NAME`) | as they were; the transform is not asked about them |
//! | sagas and instances of process managers (`saga-TYPE-ID`, `process-NAME-KEY`) | as the transform says, which is asked about them as about streams of the application |
//! | streams of consumer groups, projections, processes that drive sagas, and copies (`$group-`, `$projection-`, `$saga-`, `$copy-`) | not copied: they speak of positions of the source, or of who is at work there |
//!
//! Nothing is said about other streams whose names begin with `$`: the transform is asked about them as about any other.

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
#[cfg(all(doctest, feature = "wal", feature = "postgres"))]
mod page;
mod pages;
mod place;
mod progress;
mod reencode;
mod rehearse;
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
pub use rehearse::Rehearsal;
pub use report::{CopyCounts, CopyReport, CopyTotals, TypeCounts, VerifyReport};
pub use toolkit_streams::KeyRecords;
pub use transform::{IntoTransformed, KeepAll, Transform, TransformError, TransformFunction};
