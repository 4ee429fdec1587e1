use bytes::Bytes;

use crate::{
    Encoding, EventId, EventType, GlobalPosition, InvalidInput, Metadata, StreamId, Tags, Timestamp, Version,
    error::Field, limits::MAX_PAYLOAD_BYTES,
};

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
        Self::identified(EventId::generate(), event_type, payload)
    }

    /// An event of this id and type, otherwise as [`NewEvent::new`] makes it; generates no id. For backends.
    #[must_use]
    pub fn identified(id: EventId, event_type: EventType, payload: impl Into<Bytes>) -> Self {
        Self {
            id,
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

    /// Everything of variable length together, in bytes.
    pub(crate) fn size(&self) -> usize {
        let tags: usize = self.tags.iter().map(|tag| tag.as_str().len()).sum();
        self.event_type.as_str().len() + self.payload.len() + self.metadata.size() + tags
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
///
/// ```
/// use eventstore_api::{EventType, GlobalPosition, NewEvent, Placement, StreamId, Timestamp, Version};
///
/// let recorded = NewEvent::new(EventType::new("SeatBooked")?, "12A").record(Placement {
///     stream: StreamId::new("flight-UA1545")?,
///     version: Version::new(1),
///     position: GlobalPosition::new(1),
///     recorded_at: Timestamp::now(),
/// });
/// assert_eq!(recorded.stream.category(), "flight");
/// # Ok::<(), eventstore_api::InvalidInput>(())
/// ```
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
