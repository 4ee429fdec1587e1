use std::error::Error as StdError;

use eventstore_api::{GlobalPosition, InvalidInput, StoreError, StreamId, Version};

use super::{EventPlace, VerifyReport};

/// Why a copy ended before its end. What has been written stays; once the reason is gone, the same copy goes on from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The name of the copy makes no name of a stream.
    #[error("`{name}` cannot be the name of a copy")]
    Name {
        /// The name.
        name: String,
        /// Why not.
        source: InvalidInput,
    },
    /// The source did not answer.
    #[error("the source of the copy failed")]
    Source(#[source] StoreError),
    /// The target did not answer, or did not take what was written. Where the outcome is unknown, the next run finds out.
    #[error("the target of the copy failed")]
    Target(#[source] StoreError),
    /// The transform failed at an event, or panicked: then the cause is a [`Panicked`](crate::Panicked).
    #[error("the transform failed at {place}")]
    Transform {
        /// The event of the source.
        place: Box<EventPlace>,
        /// Why.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The transform did not say what becomes of an event.
    #[error("the transform did not say what becomes of {place}; let it `discard` what is not to be copied")]
    Undecided {
        /// The event of the source.
        place: Box<EventPlace>,
    },
    /// What became of some events cannot be stored: most likely two events with one id came into one stream.
    #[error(
        "what became of the events up to {place} cannot be stored; where streams are merged that hold the same id, \
         give one event another one with `write_under_its_id`"
    )]
    Refused {
        /// The last of these events.
        place: Box<EventPlace>,
        /// Why.
        source: InvalidInput,
    },
    /// Source and target are one store. No event is copied; where it is found by what the copy has written about itself, that one
    /// event stays.
    #[error("source and target are the same store; copy into another one")]
    SameStore,
    /// The target holds events that this copy has not written.
    #[error(
        "the target holds events that this copy has not written, the last at position {at}; copy into an empty store, \
         or say `into_shared_target` where others may write there"
    )]
    TargetNotEmpty {
        /// The position of one of them.
        at: GlobalPosition,
    },
    /// A copy of this name was begun with another version of the transform.
    #[error(
        "copy `{name}` was begun with version {begun} of its transform, and this is version {given}; \
         give it another name and an empty target"
    )]
    OtherTransform {
        /// The name of the copy.
        name: String,
        /// The version it was begun with.
        begun: u32,
        /// The version it was to go on with.
        given: u32,
    },
    /// A copy of this name was begun from another source.
    #[error(
        "copy `{name}` was begun from another source: what it read last is not {expected} here; \
         copy each source under a name of its own"
    )]
    OtherSource {
        /// The name of the copy.
        name: String,
        /// The last event that it read, as it said.
        expected: String,
    },
    /// The same copy runs somewhere else.
    #[error("copy `{name}` is being made by somebody else at the same time; let one of them finish")]
    Concurrent {
        /// The name of the copy.
        name: String,
    },
    /// There is nothing to verify.
    #[error("copy `{name}` was never made into this target")]
    NotBegun {
        /// The name of the copy.
        name: String,
    },
    /// What the copy has written about itself cannot be read.
    #[error("event {version} of stream `{stream}`, in which the copy keeps how far it is, cannot be read")]
    UnreadableMark {
        /// The stream.
        stream: StreamId,
        /// The version of the event.
        version: Version,
        /// Why not.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The target is not what the transform makes of the source.
    #[error("the copy is not what the transform makes of the source: {0}")]
    Different(Box<VerifyReport>),
}

impl CopyError {
    /// Whether the same copy may go on later without anything being changed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Source(error) | Self::Target(error) if error.is_retryable())
    }
}
