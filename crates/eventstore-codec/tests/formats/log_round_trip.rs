//! What goes into a log comes out of it, and its payloads are not copied on the way.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use crate::support::{append, decode, encoded, event, id, pass_over, rich};
use bytes::Bytes;
use eventstore_api::{
    Encoding, EventType, GlobalPosition, Metadata, NewEvent, Placement, Snapshot, StreamAppend, StreamId,
    Tags, Timestamp, Version,
};
use eventstore_codec::{AppendsReader, DecodeError, Names, decode_snapshot, encode_snapshot};
use proptest::{collection::vec, prelude::*};

/// Lengths on both sides of what fits into one byte; more would only be slower.
const NAME: &str = "[^\\p{Cc}]{1,64}";

fn any_event() -> impl Strategy<Value = NewEvent> {
    let payload = prop_oneof![vec(any::<u8>(), 0..8), vec(any::<u8>(), 245..260)];
    let metadata = vec((NAME, "[^\0]{0,80}"), 0..5);
    let tags = vec("[a-z]{1,8}:[^\\p{Cc}]{0,20}", 0..5);
    (any::<[u8; 16]>(), NAME, any::<u32>(), any::<u8>(), payload, metadata, tags).prop_map(
        |(bytes, name, schema_version, encoding, payload, metadata, tags)| {
            NewEvent::identified(id(bytes), EventType::new(name).unwrap(), payload)
                .with_schema_version(schema_version)
                .with_encoding(Encoding::new(encoding))
                .with_metadata(metadata.into_iter().collect::<Metadata>())
                .with_tags(Tags::parse(tags).unwrap())
        },
    )
}

fn any_appends() -> impl Strategy<Value = Vec<StreamAppend>> {
    vec((NAME, vec(any_event(), 1..4)), 1..4)
        .prop_map(|streams| streams.into_iter().map(|(stream, events)| append(&stream, events)).collect())
}

proptest! {
    #[test]
    fn any_legal_append_round_trips(appends in any_appends()) {
        let bytes = encoded(&appends);
        let (streams, consumed) = decode(&bytes).unwrap();
        prop_assert_eq!(consumed, bytes.len());
        prop_assert_eq!(pass_over(&bytes).unwrap(), bytes.len());
        prop_assert_eq!(streams.len(), appends.len());
        for (append, events) in appends.iter().zip(&streams) {
            prop_assert_eq!(append.events.len(), events.len());
            for (new, recorded) in append.events.iter().zip(events) {
                prop_assert!(recorded.same_content(new));
                prop_assert_eq!(&recorded.stream, &append.stream);
            }
        }
    }

    #[test]
    fn any_snapshot_round_trips(
        stream in NAME,
        version: u64,
        state_type in NAME,
        schema_version: u32,
        encoding: u8,
        payload in vec(any::<u8>(), 0..300),
    ) {
        let (stream, state_type) = (StreamId::new(stream).unwrap(), EventType::new(state_type).unwrap());
        let snapshot = Snapshot::new(stream, Version::new(version), state_type, payload)
            .with_schema_version(schema_version)
            .with_encoding(Encoding::new(encoding));
        let mut bytes = Vec::new();
        encode_snapshot(&snapshot, &mut bytes);
        prop_assert_eq!(decode_snapshot(&bytes.into()).unwrap(), snapshot);
    }
}

fn placement(stream: StreamId) -> Placement {
    Placement {
        stream,
        version: Version::new(1),
        position: GlobalPosition::new(1),
        recorded_at: Timestamp::from_micros(0),
    }
}

#[test]
fn a_payload_is_a_part_of_the_buffer_that_it_was_read_from() {
    let bytes = encoded(&[append("s", vec![event("Type", "payload")])]);
    let (streams, _) = decode(&bytes).unwrap();
    assert!(bytes.as_ptr_range().contains(&streams[0][0].payload.as_ptr()));
}

#[test]
fn a_payload_read_from_another_buffer_is_copied() {
    let bytes = encoded(&[append("s", vec![event("Type", "payload")])]);
    let mut reader = AppendsReader::new(&bytes).unwrap();
    reader.next_stream().unwrap();
    let view = reader.next_event().unwrap();
    let mut names = Names::new();
    for other in [Bytes::new(), Bytes::from(bytes.to_vec()), bytes.slice(..bytes.len() - 4)] {
        let recorded = view.to_recorded(placement(StreamId::new("s").unwrap()), &other, &mut names).unwrap();
        assert_eq!(&recorded.payload[..], b"payload");
        assert!(!other.as_ptr_range().contains(&recorded.payload.as_ptr()));
    }
}

#[test]
fn events_that_are_not_read_are_passed_over() {
    let bytes = encoded(&rich());
    let mut reader = AppendsReader::new(&bytes).unwrap();
    assert_eq!(reader.next_stream().unwrap().unwrap().events, 2);
    assert_eq!(reader.next_event().unwrap().event_type, "SeatBooked");
    assert_eq!(reader.next_stream().unwrap().unwrap().name, "ä");
    assert_eq!(reader.next_event().unwrap().payload, [0xab; 300]);
    assert!(reader.next_stream().unwrap().is_none());
    assert_eq!(reader.consumed(), bytes.len());
}

#[test]
fn an_event_beyond_the_last_of_its_stream_is_an_error() {
    let bytes = encoded(&[append("s", vec![event("Type", "")])]);
    let mut reader = AppendsReader::new(&bytes).unwrap();
    assert!(matches!(reader.next_event(), Err(DecodeError::NoEventLeft { at: 2 })));
    reader.next_stream().unwrap();
    reader.next_event().unwrap();
    assert!(matches!(reader.next_event(), Err(DecodeError::NoEventLeft { .. })));
    assert!(reader.next_stream().unwrap().is_none());
}

#[test]
fn views_show_metadata_and_tags_as_they_are_stored() {
    let bytes = encoded(&rich());
    let mut reader = AppendsReader::new(&bytes).unwrap();
    reader.next_stream().unwrap();
    let view = reader.next_event().unwrap();
    let metadata: Vec<_> = view.metadata.iter().map(Result::unwrap).collect();
    assert_eq!(metadata, [("correlation_id", "r9"), ("user", "Zoë")]);
    let tags: Vec<_> = view.tags.into_iter().map(Result::unwrap).collect();
    assert_eq!(tags, ["flight:UA1545", "passenger:ann"]);
    assert_eq!((view.metadata.len(), view.tags.len()), (2, 2));
    assert!(reader.next_event().unwrap().metadata.is_empty());
}

#[test]
fn names_are_shared_until_there_are_too_many() {
    let mut names = Names::new();
    let place = |name: &StreamId| name.as_str().as_ptr();
    let first = names.stream("first").unwrap();
    assert_eq!(place(&names.stream("first").unwrap()), place(&first));
    for other in 0..1_024 {
        names.stream(&other.to_string()).unwrap();
    }
    let again = names.stream("first").unwrap();
    assert_eq!(again, first);
    assert_ne!(place(&again), place(&first));
}
