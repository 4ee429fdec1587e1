use std::{borrow::Cow, fmt, str::FromStr};

use bytes::Bytes;
use uuid::Uuid;

use crate::{
    GlobalPosition, InvalidInput, Metadata, StreamId, Tags, Timestamp, Version,
    error::Field,
    limits::{MAX_EVENT_TYPE_BYTES, MAX_PAYLOAD_BYTES},
    text::{Text, check_name, text_newtype},
};

/// The identity of an event, chosen by whoever appends it: what makes appending the same events again safe.
///
/// ```
/// use eventstore_api::EventId;
///
/// let id = EventId::generate();
/// assert_ne!(id, EventId::generate());
/// assert_eq!(id, id.to_string().parse()?);
/// # Ok::<(), eventstore_api::InvalidInput>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(Uuid);

impl EventId {
    /// A new id: a version 7 UUID, so that ids made later sort later.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id with these 128 bits; any UUID will do.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The id as a UUID.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }

    /// The id's 16 bytes, in network order.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl From<Uuid> for EventId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl FromStr for EventId {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::from_str(text).map(Self).map_err(|_| InvalidInput::EventIdNotUuid { text: text.to_owned() })
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The name of an event's type, as it is stored: what a reader decides by how to understand the payload.
///
/// One to [`MAX_EVENT_TYPE_BYTES`] bytes of UTF-8 without control characters. A name known at compile time is
/// never copied.
///
/// ```
/// use eventstore_api::EventType;
///
/// let name = EventType::new("FlightDeparted")?;
/// assert_eq!(name.as_str(), "FlightDeparted");
/// assert!(EventType::new("").is_err());
/// # Ok::<(), eventstore_api::InvalidInput>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventType(Text);

text_newtype!(EventType);

impl EventType {
    /// Names an event type.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`] when the name is empty, longer than [`MAX_EVENT_TYPE_BYTES`], or holds a control character.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Result<Self, InvalidInput> {
        let name = name.into();
        check_name(Field::EventType, &name, MAX_EVENT_TYPE_BYTES)?;
        Ok(Self(name.into()))
    }
}

/// How a payload's bytes are to be understood: one number, kept with every event and snapshot.
///
/// Backends store it and do not interpret it, except that they may keep [`Encoding::JSON`] in a form in which people can
/// query it. Numbers below 128 are reserved for this project; an application may give the others a meaning of its own.
///
/// ```
/// use eventstore_api::Encoding;
///
/// assert_eq!(Encoding::JSON.to_string(), "json");
/// assert_eq!(Encoding::new(200).to_string(), "encoding 200");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Encoding(u8);

impl Encoding {
    /// Bytes without a declared form.
    pub const BINARY: Self = Self(0);
    /// JSON in UTF-8.
    pub const JSON: Self = Self(1);
    /// bincode, in the form that `eventstore-codec` defines.
    pub const BINCODE: Self = Self(2);

    /// The encoding with this number.
    #[must_use]
    pub const fn new(number: u8) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::BINARY => f.write_str("binary"),
            Self::JSON => f.write_str("json"),
            Self::BINCODE => f.write_str("bincode"),
            Self(number) => write!(f, "encoding {number}"),
        }
    }
}

/// An event that is about to be appended.
///
/// Cloning one copies no payload. Append the clone when an append's outcome is unknown: the same id makes it safe.
///
/// ```
/// use eventstore_api::{Encoding, EventType, Metadata, NewEvent, Tags};
///
/// let event = NewEvent::new(EventType::new("SeatBooked")?, r#"{"seat":"12A"}"#)
///     .with_encoding(Encoding::JSON)
///     .with_schema_version(2)
///     .with_metadata(Metadata::new().with_correlation_id("request-9"))
///     .with_tags(Tags::parse(["flight:UA1545", "passenger:ann"])?);
/// assert_eq!(&event.payload[..], br#"{"seat":"12A"}"#);
/// # Ok::<(), eventstore_api::InvalidInput>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewEvent {
    /// Who this event is; unique in its stream.
    pub id: EventId,
    /// The name of its type.
    pub event_type: EventType,
    /// Which version of its type's schema the payload follows; 1 unless said otherwise.
    pub schema_version: u32,
    /// How the payload is to be understood.
    pub encoding: Encoding,
    /// What happened, up to [`MAX_PAYLOAD_BYTES`](crate::limits::MAX_PAYLOAD_BYTES) bytes.
    pub payload: Bytes,
    /// What is known beside.
    pub metadata: Metadata,
    /// By what it can be found.
    pub tags: Tags,
}

impl NewEvent {
    /// An event of this type with a [generated](EventId::generate) id, schema version 1, binary encoding, no metadata
    /// and no tags.
    #[must_use]
    pub fn new(event_type: EventType, payload: impl Into<Bytes>) -> Self {
        Self {
            id: EventId::generate(),
            event_type,
            schema_version: 1,
            encoding: Encoding::BINARY,
            payload: payload.into(),
            metadata: Metadata::new(),
            tags: Tags::NONE,
        }
    }

    /// The same event with this id.
    #[must_use]
    pub fn with_id(mut self, id: EventId) -> Self {
        self.id = id;
        self
    }

    /// The same event with this schema version.
    #[must_use]
    pub fn with_schema_version(mut self, schema_version: u32) -> Self {
        self.schema_version = schema_version;
        self
    }

    /// The same event with this encoding.
    #[must_use]
    pub fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// The same event with this metadata.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// The same event with these tags.
    #[must_use]
    pub fn with_tags(mut self, tags: Tags) -> Self {
        self.tags = tags;
        self
    }

    /// What this event becomes when a backend stores it at `placement`. For backends.
    #[must_use]
    pub fn record(self, placement: Placement) -> RecordedEvent {
        let Placement { stream, version, position, recorded_at } = placement;
        let Self { id, event_type, schema_version, encoding, payload, metadata, tags } = self;
        RecordedEvent {
            stream,
            version,
            position,
            recorded_at,
            id,
            event_type,
            schema_version,
            encoding,
            payload,
            metadata,
            tags,
        }
    }

    /// Payload and metadata together, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.payload.len().saturating_add(self.metadata.size())
    }

    pub(crate) fn validate(&self) -> Result<(), InvalidInput> {
        if self.payload.len() > MAX_PAYLOAD_BYTES {
            return Err(InvalidInput::TooLong {
                what: Field::Payload,
                length: self.payload.len(),
                max: MAX_PAYLOAD_BYTES,
            });
        }
        self.metadata.validate()
    }
}

/// Where a backend puts an event: what [`NewEvent::record`] adds to it.
#[derive(Clone, Debug)]
pub struct Placement {
    /// The stream it is appended to.
    pub stream: StreamId,
    /// Its place in the stream.
    pub version: Version,
    /// Its place in the order of all events.
    pub position: GlobalPosition,
    /// When it was appended.
    pub recorded_at: Timestamp,
}

/// An event as a store gives it back. Cloning one copies no payload.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use eventstore_api::{EventStoreBackend, EventType, ExpectedVersion, NewEvent, StreamId, Version};
/// use eventstore_memory::InMemoryBackend;
///
/// let store = InMemoryBackend::new();
/// let stream = StreamId::new("flight-UA1545")?;
/// let event = NewEvent::new(EventType::new("SeatBooked")?, "12A");
/// store.append(&stream, ExpectedVersion::Any, vec![event.clone()]).await?;
///
/// let recorded = store.get_events(&stream).await?.remove(0);
/// assert_eq!(recorded.version, Version::new(1));
/// assert!(recorded.same_content(&event));
/// # Ok::<(), eventstore_api::StoreError>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedEvent {
    /// The stream it belongs to.
    pub stream: StreamId,
    /// Its place in the stream.
    pub version: Version,
    /// Its place in the order of all events.
    pub position: GlobalPosition,
    /// When it was appended; never earlier than an event before it.
    pub recorded_at: Timestamp,
    /// Who this event is; unique in its stream.
    pub id: EventId,
    /// The name of its type.
    pub event_type: EventType,
    /// Which version of its type's schema the payload follows.
    pub schema_version: u32,
    /// How the payload is to be understood.
    pub encoding: Encoding,
    /// What happened.
    pub payload: Bytes,
    /// What is known beside.
    pub metadata: Metadata,
    /// By what it can be found.
    pub tags: Tags,
}

impl RecordedEvent {
    /// Whether this is what `event` became: the same id, type, schema version, encoding, payload, metadata and tags.
    ///
    /// Backends tell a retry by it from an id that is used twice.
    #[must_use]
    pub fn same_content(&self, event: &NewEvent) -> bool {
        self.id == event.id
            && self.event_type == event.event_type
            && self.schema_version == event.schema_version
            && self.encoding == event.encoding
            && self.payload == event.payload
            && self.metadata == event.metadata
            && self.tags == event.tags
    }
}
