#![doc = include_str!("../README.md")]

mod append;
mod backend;
mod encoding;
mod error;
mod event;
mod event_id;
mod event_type;
mod filter;
pub mod limits;
mod metadata;
mod names;
mod page;
mod position;
mod read;
mod restore;
mod retry;
mod snapshot;
mod snapshot_streams;
mod stats;
mod stream_id;
mod subscription;
mod tag;
mod text;
mod timestamp;
mod version;

pub use append::{AppendBatch, AppendCondition, Appended, StreamAppend, StreamGuard};
pub use backend::EventStoreBackend;
pub use encoding::Encoding;
pub use error::{Field, InvalidInput, Result, StoreError, message_with_causes};
pub use event::{NewEvent, Placement, RecordedEvent};
pub use event_id::EventId;
pub use event_type::EventType;
pub use filter::{Criterion, EventFilter};
pub use metadata::Metadata;
pub use names::first_names;
pub use page::{DEFAULT_MAX_BYTES, Page, PageRoom, StreamPage};
pub use position::GlobalPosition;
pub use read::{Direction, ReadAll, StreamRange};
pub use restore::{RestoredBatch, RestoredPlace};
pub use retry::{Known, first_outcome};
pub use snapshot::Snapshot;
pub use snapshot_streams::SnapshotStreams;
pub use stats::{BackendStats, SpecificStats};
pub use stream_id::{IntoStreamId, StreamId};
pub use subscription::Subscription;
pub use tag::{Tag, Tags};
pub use timestamp::Timestamp;
pub use version::{ExpectedVersion, Version};

/// The crates whose types appear in this contract, so that a backend needs to name no version of them.
pub mod reexports {
    pub use async_trait::async_trait;
    pub use bytes;
    pub use uuid;
}
