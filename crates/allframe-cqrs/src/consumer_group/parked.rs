use std::fmt;

use eventstore_api::{
    EventStoreBackend, GlobalPosition, RecordedEvent, StreamId, StreamRange, Timestamp, Version,
};
use serde::{Deserialize, Serialize};

use super::{GroupError, control::ParkedEntry};

/// An event that the group does not deliver, until its key is replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParkedEvent {
    /// Its place in the order of all events.
    pub position: GlobalPosition,
    /// The stream it belongs to.
    pub stream: StreamId,
    /// Its place in the stream.
    pub version: Version,
    /// Its key.
    pub key: String,
    /// What kind of reason there was.
    pub cause: ParkedCause,
    /// How often it was delivered; 0 for one that never was.
    pub attempts: u32,
    /// Why it was parked: what the last `nack` said, up to 1024 bytes, without control characters.
    pub reason: String,
    /// When it was parked first, by the clock of the member that did.
    pub since: Timestamp,
    /// Whether its key is being replayed.
    pub is_replaying: bool,
}

/// What kind of reason there was to park an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ParkedCause {
    /// It was delivered as often as the policy allows, and never acknowledged.
    Failed,
    /// It cannot be read as the type of the group's events.
    Undecodable,
    /// An earlier event of its key is parked.
    Behind,
}

impl fmt::Display for ParkedCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failed => "failed",
            Self::Undecodable => "cannot be read",
            Self::Behind => "behind a parked event",
        })
    }
}

impl ParkedEvent {
    pub(super) fn new(entry: &ParkedEntry, is_replaying: bool) -> Result<Self, GroupError> {
        Ok(Self {
            position: GlobalPosition::new(entry.position),
            stream: StreamId::try_from(entry.stream.as_str())?,
            version: Version::new(entry.version),
            key: entry.key.clone(),
            cause: entry.cause,
            attempts: entry.attempts,
            reason: entry.reason.clone(),
            since: Timestamp::from_micros(entry.since),
            is_replaying,
        })
    }
}

/// The record at this place in a stream, if it is (still) there.
pub(super) async fn read_record(
    backend: &impl EventStoreBackend,
    stream: &StreamId,
    version: Version,
) -> Result<Option<RecordedEvent>, GroupError> {
    let before = Version::new(version.get().saturating_sub(1));
    let page = backend.read_stream(stream, StreamRange::after(before).limit(1)).await?;
    Ok(page.events.into_iter().next().filter(|record| record.version == version))
}
