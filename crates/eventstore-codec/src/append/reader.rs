use eventstore_api::{
    Encoding, EventId, Field, InvalidInput,
    limits::{
        MAX_BATCH_EVENTS, MAX_EVENT_TYPE_BYTES, MAX_METADATA_BYTES, MAX_METADATA_ENTRIES, MAX_PAYLOAD_BYTES,
        MAX_STREAM_ID_BYTES, MAX_TAG_BYTES, MAX_TAGS,
    },
    reexports::uuid::Uuid,
};

use crate::{
    DecodeError,
    append::view::{EventView, MetadataView, StreamView, TagsView},
    input::{Decoded, Input},
};

/// Reads what [`encode_appends`](crate::encode_appends) wrote, one stream and one event after the other, and allocates
/// nothing.
///
/// Lengths and counts are checked before they are used: against the [limits](eventstore_api::limits), and against the
/// bytes that are there. The text of metadata and tags is checked where it is given out. After an error the reader
/// stands where it stood, and gives the same error again.
///
/// ```
/// # use eventstore_api::{EventType, ExpectedVersion, NewEvent, StreamAppend, StreamId};
/// use eventstore_codec::{AppendsReader, DecodeError};
///
/// /// How many events an append holds, and what follows it in the log.
/// fn count(log: &[u8]) -> Result<(u32, &[u8]), DecodeError> {
///     let mut appends = AppendsReader::new(log)?;
///     let mut events = 0;
///     while let Some(stream) = appends.next_stream()? {
///         events += stream.events;   // the events themselves are passed over
///     }
///     Ok((events, log.split_at(appends.consumed()).1))
/// }
///
/// # let events = vec![NewEvent::new(EventType::new("SeatBooked")?, "12A"); 3];
/// # let append = StreamAppend { stream: StreamId::new("flight-UA1545")?, expected: ExpectedVersion::Any, events };
/// # let mut log = Vec::new();
/// # eventstore_codec::encode_appends(&[append], &mut log);
/// # log.extend(b"trailer");
/// assert_eq!(count(&log)?, (3, &b"trailer"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct AppendsReader<'b> {
    input: Input<'b>,
    /// Streams that have not been begun.
    streams: u32,
    /// Events of the current stream that have not been read.
    events: u32,
    /// How many more events an append can have.
    room: usize,
}

impl<'b> AppendsReader<'b> {
    /// Reads the append that `body` begins with; other things may follow it.
    ///
    /// # Errors
    ///
    /// [`DecodeError::UnknownFormat`] when a later version wrote this, [`DecodeError::Empty`] when there is nothing, and
    /// an error that names the byte when the number of streams is none.
    pub fn new(body: &'b [u8]) -> Result<Self, DecodeError> {
        let mut input = Input::after_format(body)?;
        let streams =
            input.count(Field::Batch, MAX_BATCH_EVENTS, "the number of streams").map_err(|error| *error)?;
        Ok(Self { input, streams, events: 0, room: MAX_BATCH_EVENTS })
    }

    /// The next stream, or `None` after the last one. Events of the current stream that were not read are passed over.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the bytes there are no stream, or those that are passed over no events.
    pub fn next_stream(&mut self) -> Result<Option<StreamView<'b>>, DecodeError> {
        self.stream().map_err(|error| *error)
    }

    fn stream(&mut self) -> Decoded<Option<StreamView<'b>>> {
        let mut input = self.input;
        for _ in 0..self.events {
            event(&mut input)?;
        }
        if self.streams == 0 {
            (self.input, self.events) = (input, 0);
            return Ok(None);
        }
        let at = input.at();
        let name = input.text("the name of a stream")?;
        within(Field::StreamId, name.len(), MAX_STREAM_ID_BYTES, at)?;
        let at_count = input.at();
        let events = input.count(Field::Batch, self.room, "the number of events of a stream")?;
        if events == 0 {
            return Err(Box::new(DecodeError::NoEvents { at: at_count }));
        }
        (self.input, self.events) = (input, events);
        self.streams -= 1;
        self.room -= events as usize;
        Ok(Some(StreamView { name, events, at }))
    }

    /// The next event of the current stream: as many times as it has [events](StreamView::events).
    ///
    /// # Errors
    ///
    /// [`DecodeError::NoEventLeft`] when all of them have been read, or no stream has been begun, and other
    /// [`DecodeError`]s when the bytes there are no event.
    pub fn next_event(&mut self) -> Result<EventView<'b>, DecodeError> {
        if self.events == 0 {
            return Err(DecodeError::NoEventLeft { at: self.input.at() });
        }
        let mut input = self.input;
        let event = event(&mut input).map_err(|error| *error)?;
        self.input = input;
        self.events -= 1;
        Ok(event)
    }

    /// How many bytes have been read: those of the whole append, once [`next_stream`](Self::next_stream) has answered
    /// `None`.
    #[must_use]
    pub fn consumed(&self) -> usize {
        self.input.at()
    }
}

fn event<'b>(input: &mut Input<'b>) -> Decoded<EventView<'b>> {
    let at = input.at();
    let id = input.array("the id of an event")?;
    let at_type = input.at();
    let event_type = input.text("the type of an event")?;
    within(Field::EventType, event_type.len(), MAX_EVENT_TYPE_BYTES, at_type)?;
    let schema_version = input.integer("the schema version of an event")?;
    let [encoding] = input.array("the encoding of an event")?;
    let payload = input.limited(Field::Payload, MAX_PAYLOAD_BYTES, "the payload of an event")?;
    let metadata = metadata(input)?;
    let tags = tags(input)?;
    Ok(EventView {
        id: EventId::from_uuid(Uuid::from_bytes(id)),
        event_type,
        schema_version,
        encoding: Encoding::new(encoding),
        payload,
        metadata,
        tags,
        at,
    })
}

fn metadata<'b>(input: &mut Input<'b>) -> Decoded<MetadataView<'b>> {
    let at = input.at();
    let count = input.count(Field::Metadata, MAX_METADATA_ENTRIES, "the number of metadata entries")?;
    let entries = *input;
    let mut size = 0;
    for _ in 0..count {
        size += input.bytes("the name of a metadata entry")?.len();
        size += input.bytes("the value of a metadata entry")?.len();
        within(Field::Metadata, size, MAX_METADATA_BYTES, at)?;
    }
    Ok(MetadataView { count, entries })
}

fn tags<'b>(input: &mut Input<'b>) -> Decoded<TagsView<'b>> {
    let count = input.count(Field::Tags, MAX_TAGS, "the number of tags")?;
    let tags = *input;
    for _ in 0..count {
        input.limited(Field::Tag, MAX_TAG_BYTES, "a tag")?;
    }
    Ok(TagsView { count, tags })
}

impl<'b> Input<'b> {
    /// The next number of things, of which there can be `max`.
    fn count(&mut self, of: Field, max: usize, what: &'static str) -> Decoded<u32> {
        let at = self.at();
        let count: u64 = self.integer(what)?;
        match u32::try_from(count) {
            Ok(count) if count as usize <= max => Ok(count),
            _ => {
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                Err(Box::new(DecodeError::Illegal {
                    at,
                    source: InvalidInput::TooMany { what: of, count, max },
                }))
            }
        }
    }

    /// The next bytes, of which there can be `max`.
    fn limited(&mut self, of: Field, max: usize, what: &'static str) -> Decoded<&'b [u8]> {
        let at = self.at();
        let bytes = self.bytes(what)?;
        within(of, bytes.len(), max, at)?;
        Ok(bytes)
    }
}

fn within(what: Field, length: usize, max: usize, at: usize) -> Decoded<()> {
    if length <= max {
        return Ok(());
    }
    Err(Box::new(DecodeError::Illegal { at, source: InvalidInput::TooLong { what, length, max } }))
}
