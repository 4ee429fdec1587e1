use std::sync::Arc;

use eventstore_api::{GlobalPosition, InvalidInput, StoreError, StreamId, Version};

use crate::{Error, Panicked};

/// Why a consumer group did not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GroupError {
    /// What the store answered.
    #[error(transparent)]
    Store(#[from] Error),
    /// The text cannot name a group.
    #[error("`{name}` cannot name a consumer group: {reason}")]
    InvalidName {
        /// The text.
        name: String,
        /// What a name must be.
        reason: &'static str,
    },
    /// A setting lies outside its range.
    #[error("{setting} of a consumer group must be {range}")]
    InvalidSetting {
        /// Which setting.
        setting: &'static str,
        /// What it may be.
        range: &'static str,
    },
    /// The group was made with another number of partitions, and keeps it: another one would move keys, and with them
    /// the order of their events.
    #[error(
        "the consumer group `{name}` has {stored} partitions, not {asked}; open it with {stored}, or with none said, \
         or make a group of another name"
    )]
    PartitionsDiffer {
        /// The group.
        name: String,
        /// How many it has.
        stored: u32,
        /// How many were asked for.
        asked: u32,
    },
    /// A newer version of the program has written what the group keeps.
    #[error(
        "version {version} of the control stream `{stream}` has form {form}, and this program knows form {known}; \
         a newer one can read it"
    )]
    NewerForm {
        /// The control stream.
        stream: StreamId,
        /// The place in it.
        version: Version,
        /// Its form.
        form: u32,
        /// The newest form that is known here.
        known: u32,
    },
    /// A control stream holds what no consumer group has written.
    #[error(
        "version {version} of the control stream `{stream}` cannot be read; nothing but the group may append to it"
    )]
    Unreadable {
        /// The control stream.
        stream: StreamId,
        /// The place in it.
        version: Version,
        /// Why not.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
    /// No event with this key is parked.
    #[error("no event with key `{key}` is parked; `parked` lists those that are")]
    KeyNotParked {
        /// The key.
        key: String,
    },
    /// The event at this position is not parked.
    #[error("the event at position {position} is not parked; `parked` lists those that are")]
    EventNotParked {
        /// The position.
        position: GlobalPosition,
    },
    /// The function that says the keys of events panicked.
    #[error(
        "the function for keys panicked at the event at position {position}, version {version} of `{stream}`; it must \
         give every event a key"
    )]
    KeyPanicked {
        /// The place of the event in the order of all.
        position: GlobalPosition,
        /// The stream it belongs to.
        stream: StreamId,
        /// The place in it.
        version: Version,
        /// What the panic said.
        source: Panicked,
    },
    /// What the consumer does in the background panicked: in code that it was given, such as what shows an error.
    #[error("the consumer has ended, because code that it was given panicked; mend that, and join again")]
    MemberPanicked {
        /// What the panic said.
        source: Panicked,
    },
    /// What the consumer does in the background has ended with its runtime.
    #[error("the consumer has ended, because its runtime shuts down; join again on another one")]
    Ended,
}

impl GroupError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_retryable() || !error.outcome_is_known())
    }
}

impl From<StoreError> for GroupError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.into())
    }
}

impl From<InvalidInput> for GroupError {
    fn from(error: InvalidInput) -> Self {
        Self::Store(error.into())
    }
}
