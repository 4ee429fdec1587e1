use eventstore_api::{NewEvent, StreamAppend, StreamId};

use crate::{format::FORMAT_1, output::Output};

/// What an event takes beyond its payload and texts, when it is small: what a buffer is grown by, not a limit.
const USUAL_EVENT_OVERHEAD: usize = 24;

/// Writes the binary form of all streams and events of an append behind what `out` holds already.
///
/// Guards, expected versions and conditions are not part of it: they have been decided when something is stored.
///
/// An event takes 22 bytes beyond its payload and the name of its type, as long as its schema version and all lengths
/// are up to 250 bytes and it has neither metadata nor tags. The payload is copied once, into `out`.
///
/// The appends must be such that [`AppendBatch::validate`](eventstore_api::AppendBatch::validate) accepts them, as every
/// backend has it do first: what goes beyond a limit would be written, and refused when it is read.
///
/// ```
/// use eventstore_api::{EventType, ExpectedVersion, NewEvent, StreamAppend, StreamId};
/// use eventstore_codec::{AppendsReader, encode_appends};
///
/// let append = StreamAppend {
///     stream: StreamId::new("flight-UA1545")?,
///     expected: ExpectedVersion::Any,
///     events: vec![NewEvent::new(EventType::new("SeatBooked")?, "12A")],
/// };
/// let mut log = Vec::new();
/// encode_appends(&[append], &mut log);
///
/// let mut appends = AppendsReader::new(&log)?;
/// let stream = appends.next_stream()?.unwrap();
/// assert_eq!((stream.name, stream.events), ("flight-UA1545", 1));
/// assert_eq!(appends.next_event()?.payload, b"12A");
/// assert!(appends.next_stream()?.is_none());
/// assert_eq!(appends.consumed(), log.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn encode_appends(appends: &[StreamAppend], out: &mut Vec<u8>) {
    out.reserve(appends.iter().map(usual_size).sum());
    let mut out = Output::new(out);
    out.put(&FORMAT_1);
    out.put(&appends.len());
    for StreamAppend { stream, events, .. } in appends {
        put_events(stream, events, &mut out);
    }
}

/// Writes the binary form of one event behind what `out` holds already: as [`encode_appends`] writes an append of this
/// event alone to this stream. For stores that keep every event under a key of its own.
///
/// ```
/// use eventstore_api::{EventType, ExpectedVersion, NewEvent, StreamAppend, StreamId};
/// use eventstore_codec::{encode_appends, encode_event};
///
/// let (stream, event) = (StreamId::new("flight-UA1545")?, NewEvent::new(EventType::new("SeatBooked")?, "12A"));
/// let (mut alone, mut append) = (Vec::new(), Vec::new());
/// encode_event(&stream, &event, &mut alone);
/// encode_appends(&[StreamAppend { stream, expected: ExpectedVersion::Any, events: vec![event] }], &mut append);
/// assert_eq!(alone, append);
/// # Ok::<(), eventstore_api::InvalidInput>(())
/// ```
pub fn encode_event(stream: &StreamId, event: &NewEvent, out: &mut Vec<u8>) {
    out.reserve(usual_stream_size(stream) + usual_event_size(event));
    let mut out = Output::new(out);
    out.put(&FORMAT_1);
    out.put(&1_usize);
    put_events(stream, std::slice::from_ref(event), &mut out);
}

fn put_events(stream: &StreamId, events: &[NewEvent], out: &mut Output<'_>) {
    out.put(stream.as_str());
    out.put(&events.len());
    for event in events {
        put_event(event, out);
    }
}

fn put_event(event: &NewEvent, out: &mut Output<'_>) {
    out.put(event.id.as_bytes());
    out.put(event.event_type.as_str());
    out.put(&event.schema_version);
    out.put(&event.encoding.get());
    out.put(&event.payload[..]);
    out.put(&event.metadata.len());
    for (name, value) in event.metadata.iter() {
        out.put(name);
        out.put(value);
    }
    out.put(&event.tags.len());
    for tag in &event.tags {
        out.put(tag.as_str());
    }
}

/// About what an append will take, so that the buffer grows once.
fn usual_size(append: &StreamAppend) -> usize {
    usual_stream_size(&append.stream) + append.events.iter().map(usual_event_size).sum::<usize>()
}

fn usual_stream_size(stream: &StreamId) -> usize {
    stream.as_str().len() + 8
}

fn usual_event_size(event: &NewEvent) -> usize {
    let metadata: usize = event.metadata.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
    let tags: usize = event.tags.iter().map(|tag| tag.as_str().len() + 1).sum();
    USUAL_EVENT_OVERHEAD + event.event_type.as_str().len() + event.payload.len() + metadata + tags
}
