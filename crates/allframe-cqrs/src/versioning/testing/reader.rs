use std::fmt;

use eventstore_api::{
    Encoding, EventType, GlobalPosition, NewEvent, Placement, RecordedEvent, StreamId, Timestamp, Version,
};
use serde_json::Value;

use crate::{
    EventForm, PayloadCodec, Result, VersionRegistry, VersioningError,
    event::Event,
    payload::{self, to_new_event},
    versioning::EventReader,
};

/// Reads events as earlier programs stored them: as a store does, without one.
///
/// They are read as the first events of the stream `sample`, recorded at the beginning of 1970, for those upcasters that look.
pub struct Reader<E> {
    events: EventReader<E>,
    codec: PayloadCodec,
}

impl<E: Event> Reader<E> {
    /// A reader that knows what the type says of itself. Events are encoded as JSON.
    #[must_use]
    pub fn new() -> Self {
        Self { events: EventReader::new(), codec: PayloadCodec::Json }
    }

    /// A reader that knows this registry too.
    ///
    /// # Errors
    ///
    /// [`VersioningError`] as [`EventStore::with_versions`](crate::EventStore::with_versions).
    pub fn with_versions(versions: VersionRegistry<E>) -> Result<Self, VersioningError> {
        Ok(Self { events: EventReader::with(versions)?, codec: PayloadCodec::Json })
    }

    /// The same reader, of events that were encoded with this codec.
    #[must_use]
    pub fn with_codec(mut self, codec: PayloadCodec) -> Self {
        self.codec = codec;
        self
    }

    /// What an event of an earlier type reads as, stored as a program that had the type stored it.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`](crate::Error::Encode), [`Error::Decode`](crate::Error::Decode).
    pub fn read<F: Event>(&self, earlier: &F) -> Result<Vec<E>> {
        self.read_stored(to_new_event(earlier, self.codec)?)
    }

    /// What this JSON reads as, stored under this name and version.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store) where the name is not legal, [`Error::Decode`](crate::Error::Decode).
    pub fn read_json(&self, form: impl Into<EventForm>, payload: Value) -> Result<Vec<E>> {
        self.read_stored(json_event(form.into(), &payload)?)
    }

    /// What a stored event reads as, with whatever the store keeps beside.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`](crate::Error::Decode).
    pub fn read_stored(&self, event: NewEvent) -> Result<Vec<E>> {
        self.read_record(&first_event(StreamId::new("sample")?, event))
    }

    pub(super) fn read_record(&self, record: &RecordedEvent) -> Result<Vec<E>> {
        Ok(self.events.events(record)?.into_vec())
    }

    pub(super) fn codec(&self) -> PayloadCodec {
        self.codec
    }

    pub(super) fn events(&self) -> &EventReader<E> {
        &self.events
    }
}

impl<E: Event> Default for Reader<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E> fmt::Debug for Reader<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("events", &self.events).field("codec", &self.codec).finish()
    }
}

/// JSON, stored under this name and version.
pub(super) fn json_event(form: EventForm, payload: &Value) -> Result<NewEvent> {
    let EventForm { event_type, schema_version } = form;
    let payload = payload::encode(payload, PayloadCodec::Json, "the JSON of a sample")?;
    Ok(NewEvent::new(EventType::new(event_type)?, payload)
        .with_schema_version(schema_version)
        .with_encoding(Encoding::JSON))
}

/// The event as the first of a stream.
pub(super) fn first_event(stream: StreamId, event: NewEvent) -> RecordedEvent {
    event.record(Placement {
        stream,
        version: Version::new(1),
        position: GlobalPosition::new(1),
        recorded_at: Timestamp::from_micros(0),
    })
}
