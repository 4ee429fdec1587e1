//! Appends as tests need them, and all that can be read of some bytes.

#![allow(dead_code, reason = "no test uses all of it")]
#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use bytes::Bytes;
use eventstore_api::{
    Encoding, EventId, EventType, ExpectedVersion, GlobalPosition, Metadata, NewEvent, Placement,
    RecordedEvent, StreamAppend, StreamId, Tags, Timestamp, Version, reexports::uuid::Uuid,
};
use eventstore_codec::{AppendsReader, DecodeError, Names, encode_appends};

pub(crate) fn append(stream: &str, events: Vec<NewEvent>) -> StreamAppend {
    StreamAppend { stream: StreamId::try_from(stream).unwrap(), expected: ExpectedVersion::Any, events }
}

pub(crate) fn id(bytes: [u8; 16]) -> EventId {
    EventId::from_uuid(Uuid::from_bytes(bytes))
}

pub(crate) fn event(event_type: &'static str, payload: impl Into<Bytes>) -> NewEvent {
    NewEvent::identified(id([0x11; 16]), EventType::new(event_type).unwrap(), payload)
}

/// Two streams, three events, and something of everything that an event can have.
pub(crate) fn rich() -> Vec<StreamAppend> {
    let booked = event("SeatBooked", r#"{"seat":1}"#)
        .with_id(id(std::array::from_fn(|byte| u8::try_from(byte).unwrap())))
        .with_schema_version(2)
        .with_encoding(Encoding::JSON)
        .with_metadata(Metadata::new().with("user", "Zoë").with_correlation_id("r9"))
        .with_tags(Tags::parse(["passenger:ann", "flight:UA1545"]).unwrap());
    let empty = event("X", "").with_schema_version(300).with_encoding(Encoding::new(200));
    let long = event("Long", vec![0xab; 300]);
    vec![append("flight-UA1545", vec![booked, empty]), append("ä", vec![long])]
}

pub(crate) fn encoded(appends: &[StreamAppend]) -> Bytes {
    let mut bytes = Vec::new();
    encode_appends(appends, &mut bytes);
    bytes.into()
}

/// Everything that stands in the bytes, and how many of them it takes.
pub(crate) fn decode(bytes: &Bytes) -> Result<(Vec<Vec<RecordedEvent>>, usize), DecodeError> {
    let mut names = Names::new();
    let mut reader = AppendsReader::new(bytes)?;
    let mut streams = Vec::new();
    while let Some(view) = reader.next_stream()? {
        let stream = view.to_stream_id(&mut names)?;
        let mut events = Vec::new();
        for version in 1..=view.events {
            let placement = Placement {
                stream: stream.clone(),
                version: Version::new(version.into()),
                position: GlobalPosition::new(version.into()),
                recorded_at: Timestamp::from_micros(0),
            };
            events.push(reader.next_event()?.to_recorded(placement, bytes, &mut names)?);
        }
        streams.push(events);
    }
    Ok((streams, reader.consumed()))
}

/// The same, without looking at any event.
pub(crate) fn pass_over(bytes: &[u8]) -> Result<usize, DecodeError> {
    let mut reader = AppendsReader::new(bytes)?;
    while reader.next_stream()?.is_some() {}
    Ok(reader.consumed())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
