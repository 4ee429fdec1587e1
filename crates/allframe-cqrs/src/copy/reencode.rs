use std::{fmt, sync::Arc};

use eventstore_api::{EventStoreBackend, NewEvent, RecordedEvent, Tags};

use super::{Output, Transform, TransformError, original::event_of};
use crate::{Event, EventStore, PayloadCodec, Result, payload, versioning::EventReader};

/// Writes events as a typed store would write them today: read through its upcasters, under today's names and schema versions,
/// with its codec. Events that the store does not know are kept as they are.
///
/// The id, the metadata and the tags stay; tags that the events have today come on top. An event of which upcasters make several
/// is written as several, and one that is retired is dropped. Payloads with collections that have no order, as a `HashMap`, are
/// not the same each time: verification finds them, and a `BTreeMap` is the way out.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use allframe_cqrs::{EventStore, InMemoryBackend, api::EventStoreBackend as _, copy::StoreCopy, event};
///
/// #[event(version = 2)]
/// #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
/// struct Deposited {
///     amount: u64,
///     #[added(version = 2, default = "EUR".to_owned())]
///     currency: String,
/// }
/// # use allframe_cqrs::api::{Encoding, EventType, ExpectedVersion, NewEvent, StreamId};
/// # let backend = InMemoryBackend::new();
/// # let v1 = NewEvent::new(EventType::new("Deposited")?, r#"{"amount":5}"#).with_encoding(Encoding::JSON);
/// # backend.append(&StreamId::new("account-7")?, ExpectedVersion::Any, vec![v1]).await?;
///
/// let old = EventStore::<Deposited, _>::with_backend(backend);
/// let new = InMemoryBackend::new();
/// StoreCopy::new("all-in-euro").from(old.backend()).to(&new).reencode(&old).run().await?;
///
/// let copied = new.get_all_events().await?.remove(1);   // the first one is the copy's own
/// assert_eq!((copied.schema_version, &copied.payload[..]), (2, &br#"{"amount":5,"currency":"EUR"}"#[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// A transform of your own reads and writes typed events with [`Reencode::read`] and [`Reencode::write`].
pub struct Reencode<E> {
    reader: Arc<EventReader<E>>,
    codec: PayloadCodec,
}

impl<E: Event> Reencode<E> {
    /// As this store reads and writes: its upcasters, its codec. Its backend is not asked.
    #[must_use]
    pub fn of<B: EventStoreBackend>(store: &EventStore<E, B>) -> Self {
        Self { reader: store.shared_reader(), codec: store.codec() }
    }

    /// The same, which writes with this codec.
    #[must_use]
    pub fn with_codec(mut self, codec: PayloadCodec) -> Self {
        self.codec = codec;
        self
    }

    /// The events that a record reads as, one as a rule; `None` where it is not known to the store.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`](crate::Error::Decode) where it is known and cannot be read.
    pub fn read(&self, record: &RecordedEvent) -> Result<Option<Vec<E>>> {
        if !self.reader.is_of_type(record) {
            return Ok(None);
        }
        let events = self.reader.events(record)?.into_vec();
        // The store may pass over what is newer than it is. Here it would be lost.
        let is_passed_over = events.is_empty() || events.iter().any(|event| event.as_unknown().is_some());
        Ok(Some(events).filter(|_| !is_passed_over || self.reader.is_known(record)))
    }

    /// An event as it is written today, with the id, the metadata and the tags of the record that it was read from.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`](crate::Error::Encode) where it cannot be encoded, and [`Error::Store`](crate::Error::Store) where it
    /// comes to have too many tags.
    pub fn write(&self, record: &RecordedEvent, event: &E) -> Result<NewEvent> {
        let original = event_of(record);
        let today = payload::to_new_event(event, self.codec)?;
        let tags = Tags::new(original.tags.iter().chain(&today.tags).cloned())?;
        Ok(today.with_id(original.id).with_metadata(original.metadata).with_tags(tags))
    }
}

impl<E: Event> Transform for Reencode<E> {
    fn transform(&self, record: &RecordedEvent, output: &mut Output<'_>) -> Result<(), TransformError> {
        match self.read(record)? {
            None => output.keep(),
            Some(events) if events.is_empty() => output.discard(),
            Some(events) => {
                for event in &events {
                    output.write(&record.stream, self.write(record, event)?);
                }
            }
        }
        Ok(())
    }
}

impl<E> fmt::Debug for Reencode<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reencode").field("reader", &self.reader).field("codec", &self.codec).finish()
    }
}
