use std::{error::Error, fmt, sync::Arc};

use crate::{EventId, ExpectedVersion, GlobalPosition, StreamId, Timestamp, Version};

/// What an event store answers.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Why an event store did not do what was asked.
///
/// A clone shares the cause: a store that writes several appends at once tells each of them the same.
///
/// ```
/// use eventstore_api::{ExpectedVersion, StoreError, StreamId, Version};
///
/// let lost_the_race = StoreError::WrongExpectedVersion {
///     stream: StreamId::new("account-7")?,
///     expected: ExpectedVersion::Exact(Version::new(3)),
///     actual: Version::new(4),
/// };
/// assert!(lost_the_race.outcome_is_known() && !lost_the_race.is_retryable());
/// assert_eq!(
///     lost_the_race.to_string(),
///     "stream `account-7` is at version 4, but the append expected version 3; \
///      read the stream again and decide anew"
/// );
/// # Ok::<(), eventstore_api::InvalidInput>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// A stream was not where the append's guard expected it. Nothing was stored.
    WrongExpectedVersion {
        /// Which stream.
        stream: StreamId,
        /// What the guard demanded.
        expected: ExpectedVersion,
        /// The version the stream really has.
        actual: Version,
    },
    /// An event that the append condition excludes has been stored. Nothing was stored by this append.
    ConditionFailed {
        /// The position of one such event.
        at: GlobalPosition,
    },
    /// What was asked for can never be done. Nothing was stored.
    InvalidInput(InvalidInput),
    /// What is stored is not what was once written.
    Corrupted {
        /// Where: a file and offset, a table and row, a stream and version.
        place: String,
        /// What is wrong there.
        detail: String,
    },
    /// The append may have happened or not. Append the same events (the same ids) again to find out: that stores
    /// nothing twice.
    OutcomeUnknown {
        /// What came in between.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The store cannot answer for now. Nothing was stored.
    Unavailable {
        /// What stands in the way.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The store was closed, or has given up after a failure. Nothing was stored.
    Closed,
    /// The store was opened only for reading. Nothing was stored.
    ReadOnly,
    /// The storage underneath failed. Nothing was stored by this call.
    Storage {
        /// How it failed.
        source: Arc<dyn Error + Send + Sync>,
    },
}

impl StoreError {
    /// [`StoreError::OutcomeUnknown`], because of this.
    pub fn outcome_unknown(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::OutcomeUnknown { source: source.into().into() }
    }

    /// [`StoreError::Unavailable`], because of this.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable { source: source.into().into() }
    }

    /// [`StoreError::Storage`], because of this.
    pub fn storage(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Storage { source: source.into().into() }
    }

    /// Whether the same call may succeed later without anything being decided anew.
    ///
    /// True for [`StoreError::Unavailable`] and [`StoreError::OutcomeUnknown`].
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::OutcomeUnknown { .. })
    }

    /// Whether it is certain that a failed append stored nothing.
    ///
    /// False for [`StoreError::OutcomeUnknown`] alone.
    #[must_use]
    pub fn outcome_is_known(&self) -> bool {
        !matches!(self, Self::OutcomeUnknown { .. })
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongExpectedVersion { stream, expected, actual } => write!(
                f,
                "stream `{stream}` is at version {actual}, but the append expected {expected}; \
                 read the stream again and decide anew"
            ),
            Self::ConditionFailed { at } => write!(
                f,
                "an event at position {at} matches what the append condition excludes; \
                 read the matching events again and decide anew"
            ),
            Self::InvalidInput(wrong) => fmt::Display::fmt(wrong, f),
            Self::Corrupted { place, detail } => write!(
                f,
                "the store is damaged at {place}: {detail}; restore it from a backup, or salvage what can be read"
            ),
            Self::OutcomeUnknown { .. } => f.write_str(
                "it is not known whether the append happened; append the same events again, \
                 which stores nothing twice",
            ),
            Self::Unavailable { .. } => f.write_str("the store cannot answer for now; try again later"),
            Self::Closed => f.write_str("the store is closed; open it again"),
            Self::ReadOnly => {
                f.write_str("the store was opened only for reading; open it for writing to change it")
            }
            Self::Storage { .. } => f.write_str("the storage failed"),
        }
    }
}

/// By hand: a derived `source` would be the `Arc`, and what is in it could not be downcast.
impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::OutcomeUnknown { source } | Self::Unavailable { source } | Self::Storage { source } => {
                Some(&**source)
            }
            _ => None,
        }
    }
}

impl From<InvalidInput> for StoreError {
    fn from(wrong: InvalidInput) -> Self {
        Self::InvalidInput(wrong)
    }
}

/// For code whose errors are plain text: the message, with the messages of what caused it.
///
/// ```
/// fn load() -> Result<(), String> {
///     let stream = eventstore_api::StreamId::new("")?;
///     # let _ = stream;
///     Ok(())
/// }
/// assert_eq!(load().unwrap_err(), "the stream id is empty");
/// ```
impl From<StoreError> for String {
    fn from(error: StoreError) -> Self {
        message_with_causes(&error)
    }
}

impl From<InvalidInput> for String {
    fn from(error: InvalidInput) -> Self {
        message_with_causes(&error)
    }
}

/// An error's message and those of its causes, in one line.
///
/// ```
/// use eventstore_api::{StoreError, message_with_causes};
///
/// let error = StoreError::storage("no space left on device");
/// assert_eq!(message_with_causes(&error), "the storage failed: no space left on device");
/// ```
#[must_use]
pub fn message_with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message.push_str(": ");
        message.push_str(&error.to_string());
        cause = error.source();
    }
    message
}

/// Why a request can never be carried out as it stands. Nothing was stored.
///
/// ```
/// use eventstore_api::StreamId;
///
/// assert_eq!(StreamId::new("a\u{7}b").unwrap_err().to_string(), "the stream id holds the control character '\\u{7}' at byte 1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidInput {
    /// A name has no characters.
    #[error("the {what} is empty")]
    Empty {
        /// Which name.
        what: Field,
    },
    /// Something passes its [limit](crate::limits) of bytes.
    #[error("the {what} is {length} bytes long, and {max} is the limit")]
    TooLong {
        /// Which part.
        what: Field,
        /// Its length, in bytes.
        length: usize,
        /// The limit, in bytes.
        max: usize,
    },
    /// There are more of something than its [limit](crate::limits).
    #[error("there are {count} entries in the {what}, and {max} is the limit")]
    TooMany {
        /// Of what.
        what: Field,
        /// How many there are.
        count: usize,
        /// The limit.
        max: usize,
    },
    /// A name holds a control character, or a metadata value a NUL, which not every backend could keep.
    #[error("the {what} holds the control character {character:?} at byte {at}")]
    ControlCharacter {
        /// Which name.
        what: Field,
        /// The character.
        character: char,
        /// Where, in bytes from the start.
        at: usize,
    },
    /// A tag is not of the form `key:value`.
    #[error("the tag `{tag}` is not of the form `key:value`, with a key that holds no `:`")]
    TagWithoutKey {
        /// The text.
        tag: String,
    },
    /// A text is no event id.
    #[error("`{text}` is no event id: it must be a UUID")]
    EventIdNotUuid {
        /// The text.
        text: String,
    },
    /// A batch appends nothing to any stream.
    #[error("the batch appends nothing")]
    EmptyBatch,
    /// A batch names a stream without events for it.
    #[error("the batch names stream `{stream}` without events for it; to guard a stream alone, use a guard")]
    NoEvents {
        /// Which stream.
        stream: StreamId,
    },
    /// A batch names a stream more than once, in its appends or guards.
    #[error("the batch names stream `{stream}` more than once")]
    StreamRepeated {
        /// Which stream.
        stream: StreamId,
    },
    /// One append holds the same event id more than once.
    #[error("the append to stream `{stream}` holds event id {id} more than once")]
    EventIdRepeated {
        /// Which stream.
        stream: StreamId,
        /// Which id.
        id: EventId,
    },
    /// The stream holds an event of this id already, with other content or in another order.
    #[error(
        "stream `{stream}` holds event id {id} at version {version} already, with other content or in another order"
    )]
    EventIdReused {
        /// Which stream.
        stream: StreamId,
        /// Which id.
        id: EventId,
        /// The version of the event that has it.
        version: Version,
    },
    /// Some events of the batch are stored already and others are not: it is no retry, and no new append either.
    #[error(
        "of the batch, event {known} is stored already but event {unknown} is not; \
         append again exactly what was appended before, or new events only"
    )]
    PartlyKnown {
        /// One that is stored.
        known: EventId,
        /// One that is not.
        unknown: EventId,
    },
    /// An event that is restored is not the one that comes next in the store, or in the list: some before it are missing, or
    /// it is there already.
    #[error(
        "the event of position {position} cannot be restored where position {next} is next; \
         restore all events of a store, in their order, and into one that nobody else writes to"
    )]
    PositionNotNext {
        /// Of the event.
        position: GlobalPosition,
        /// Which would follow.
        next: GlobalPosition,
    },
    /// An event that is restored does not go on where its stream ends.
    #[error(
        "version {version} of stream `{stream}` cannot be restored where version {next} is next; \
         restore all events of a store, in their order"
    )]
    VersionNotNext {
        /// Which stream.
        stream: StreamId,
        /// Of the event.
        version: Version,
        /// Which would follow.
        next: Version,
    },
    /// An event that is restored was recorded before the one that it follows.
    #[error(
        "the event of position {position} was recorded at {} microseconds, and cannot be restored behind one of {}",
        recorded_at.as_micros(), last.as_micros()
    )]
    TimeRunsBackwards {
        /// Of the event.
        position: GlobalPosition,
        /// When it was recorded.
        recorded_at: Timestamp,
        /// When the event before it was.
        last: Timestamp,
    },
    /// An event that is restored is stored in its stream already, at another place.
    #[error(
        "events that are to be restored are stored at other places already; restore into a store that is empty"
    )]
    StoredElsewhere,
    /// A read was asked for pages without room for an event.
    #[error("the page limit is zero")]
    ZeroLimit,
}

/// The part of a request that an [`InvalidInput`] is about.
///
/// ```
/// use eventstore_api::{EventType, Field, InvalidInput};
///
/// assert_eq!(EventType::new(""), Err(InvalidInput::Empty { what: Field::EventType }));
/// assert_eq!(Field::EventType.to_string(), "event type");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// A stream's name.
    StreamId,
    /// An event type's name.
    EventType,
    /// A tag.
    Tag,
    /// The tags of an event.
    Tags,
    /// The metadata of an event as a whole.
    Metadata,
    /// The name of a metadata entry.
    MetadataName,
    /// The value of a metadata entry.
    MetadataValue,
    /// The criteria of a filter, or what one of them lists.
    Filter,
    /// The payload of an event or snapshot.
    Payload,
    /// An append as a whole.
    Batch,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StreamId => "stream id",
            Self::EventType => "event type",
            Self::Tag => "tag",
            Self::Tags => "tags of an event",
            Self::Metadata => "metadata",
            Self::MetadataName => "metadata name",
            Self::MetadataValue => "metadata value",
            Self::Filter => "filter",
            Self::Payload => "payload",
            Self::Batch => "batch",
        })
    }
}
