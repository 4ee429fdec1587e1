//! No bytes do harm: what was not written here is an error that says what is wrong and where.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by failing")]

use std::error::Error;

use crate::support::{append, decode, encoded, event, id, pass_over, rich};
use bytes::Bytes;
use eventstore_api::{
    EventType, Field, InvalidInput, Metadata, NewEvent, Snapshot, StreamId, Version, limits,
};
use eventstore_codec::{DecodeError, decode_snapshot, encode_snapshot};
use proptest::{collection::vec, prelude::*};

/// The longest form of a number, whatever the number.
fn long(number: u64) -> Vec<u8> {
    [&[0xfd][..], &number.to_le_bytes()].concat()
}

/// An append of one event, whose parts are these bytes from its type on.
fn of_event(parts: &[&[u8]]) -> Bytes {
    [&[1, 1, 1, b's', 1][..], &[7; 16], &parts.concat()].concat().into()
}

fn everything(bytes: &Bytes) {
    let _ = decode(bytes);
    let _ = pass_over(bytes);
    let _ = decode_snapshot(bytes);
}

fn a_snapshot() -> Bytes {
    let (stream, state) = (StreamId::new("account-7").unwrap(), EventType::new("Account").unwrap());
    let mut bytes = Vec::new();
    encode_snapshot(&Snapshot::new(stream, Version::new(300), state, vec![7; 300]), &mut bytes);
    bytes.into()
}

#[test]
fn every_prefix_is_an_error() {
    let bytes = encoded(&rich());
    for end in 0..bytes.len() {
        assert!(decode(&bytes.slice(..end)).is_err(), "the first {end} bytes");
        assert!(pass_over(&bytes[..end]).is_err(), "the first {end} bytes");
    }
    let bytes = a_snapshot();
    for end in 0..bytes.len() {
        assert!(decode_snapshot(&bytes.slice(..end)).is_err(), "the first {end} bytes");
    }
}

#[test]
fn a_snapshot_with_something_behind_it_is_an_error() {
    let bytes = [&a_snapshot()[..], &[0]].concat();
    assert!(matches!(decode_snapshot(&bytes.into()), Err(DecodeError::TrailingBytes { count: 1 })));
}

#[test]
fn no_flipped_bit_panics() {
    for whole in [encoded(&rich()), a_snapshot()] {
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            everything(&bytes.into());
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 0..200)) {
        everything(&bytes.clone().into());
        everything(&[&[1][..], &bytes].concat().into());
        everything(&of_event(&[&bytes]));
        everything(&of_event(&[b"\x01T\x01\x00\x00", &bytes]));
    }

    #[test]
    fn after_an_error_the_reader_gives_the_same_error(cut in 0_usize..400) {
        let bytes = encoded(&rich());
        let bytes = &bytes[..cut.min(bytes.len() - 1)];
        if let Ok(mut reader) = eventstore_codec::AppendsReader::new(bytes) {
            let first = loop {
                if let Err(error) = reader.next_stream() {
                    break error;
                }
            };
            let at = reader.consumed();
            prop_assert_eq!(reader.next_stream().unwrap_err().to_string(), first.to_string());
            prop_assert_eq!(reader.consumed(), at);
        }
    }
}

#[test]
fn a_length_that_lies_is_an_error_at_its_byte() {
    for lie in [60, u64::from(u32::MAX), 1 << 40, u64::MAX] {
        for (bytes, place) in [
            (Bytes::from([&[1, 1][..], &long(lie)].concat()), 2),
            (of_event(&[&long(lie)]), 21),
            (of_event(&[b"\x01T\x01\x00", &long(lie)]), 25),
            (of_event(&[b"\x01T\x01\x00\x00\x01", &long(lie)]), 27),
            (of_event(&[b"\x01T\x01\x00\x00\x01\x01n", &long(lie)]), 29),
            (of_event(&[b"\x01T\x01\x00\x00\x00\x01", &long(lie)]), 28),
        ] {
            let error = decode(&bytes).unwrap_err();
            assert!(matches!(error, DecodeError::Unreadable { at, .. } if at == place), "{error:?}");
            assert!(error.source().is_some());
        }
    }
}

#[test]
fn counts_beyond_the_limits_are_refused_before_anything_is_read() {
    for lie in [65_537, 1 << 32, u64::MAX] {
        for (bytes, place, field) in [
            (Bytes::from([&[1][..], &long(lie)].concat()), 1, Field::Batch),
            (Bytes::from([&[1, 1, 1, b's'][..], &long(lie)].concat()), 4, Field::Batch),
            (of_event(&[b"\x01T\x01\x00\x00", &long(lie)]), 26, Field::Metadata),
            (of_event(&[b"\x01T\x01\x00\x00\x00", &long(lie)]), 27, Field::Tags),
        ] {
            match decode(&bytes).unwrap_err() {
                DecodeError::Illegal { at, source: InvalidInput::TooMany { what, .. } } => {
                    assert_eq!((at, what), (place, field));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn an_append_has_no_more_events_than_the_limit_over_all_its_streams() {
    let half = vec![event("T", ""); limits::MAX_BATCH_EVENTS / 2];
    let mut appends = vec![append("a", half.clone()), append("b", half)];
    assert!(pass_over(&encoded(&appends)).is_ok());
    appends[1].events.push(event("T", ""));
    let error = pass_over(&encoded(&appends)).unwrap_err();
    assert!(matches!(error, DecodeError::Illegal { source: InvalidInput::TooMany { .. }, .. }), "{error:?}");
}

/// Of what there is too much, whether it is read or passed over.
fn too_long(bytes: &Bytes) -> Field {
    let of = |error: DecodeError| match error {
        DecodeError::Illegal { source: InvalidInput::TooLong { what, .. }, .. } => what,
        other => panic!("{other:?}"),
    };
    let read = of(decode(bytes).unwrap_err());
    assert_eq!(of(pass_over(bytes).unwrap_err()), read);
    read
}

#[test]
fn lengths_beyond_the_limits_are_refused() {
    let payload = |length| encoded(&[append("s", vec![event("T", vec![7; length])])]);
    assert!(decode(&payload(limits::MAX_PAYLOAD_BYTES)).is_ok());
    assert_eq!(too_long(&payload(limits::MAX_PAYLOAD_BYTES + 1)), Field::Payload);

    let metadata = |length: usize| {
        let metadata = Metadata::new().with("n", "v".repeat(length - 1));
        encoded(&[append("s", vec![event("T", "").with_metadata(metadata)])])
    };
    assert!(decode(&metadata(limits::MAX_METADATA_BYTES)).is_ok());
    assert_eq!(too_long(&metadata(limits::MAX_METADATA_BYTES + 1)), Field::Metadata);

    let text = |length: usize| [&long(length as u64), "x".repeat(length).as_bytes()].concat();
    let stream =
        |length| Bytes::from([&[1, 1][..], &text(length), &[1], &[7; 16], b"\x01T\x01\0\0\0\0"].concat());
    assert!(decode(&stream(limits::MAX_STREAM_ID_BYTES)).is_ok());
    assert_eq!(too_long(&stream(limits::MAX_STREAM_ID_BYTES + 1)), Field::StreamId);

    let event_type = |length| of_event(&[&text(length), b"\x01\0\0\0\0"]);
    assert!(decode(&event_type(limits::MAX_EVENT_TYPE_BYTES)).is_ok());
    assert_eq!(too_long(&event_type(limits::MAX_EVENT_TYPE_BYTES + 1)), Field::EventType);

    let tag = |length: usize| {
        of_event(&[
            b"\x01T\x01\0\0\0\x01",
            &long(length as u64),
            format!("k:{}", "x".repeat(length - 2)).as_bytes(),
        ])
    };
    assert!(decode(&tag(limits::MAX_TAG_BYTES)).is_ok());
    assert_eq!(too_long(&tag(limits::MAX_TAG_BYTES + 1)), Field::Tag);
}

#[test]
fn a_snapshot_beyond_the_limit_is_refused() {
    let (stream, state) = (StreamId::new("s").unwrap(), EventType::new("S").unwrap());
    let mut bytes = Vec::new();
    let payload = vec![7; limits::MAX_PAYLOAD_BYTES + 1];
    encode_snapshot(&Snapshot::new(stream, Version::NONE, state, payload), &mut bytes);
    let error = decode_snapshot(&bytes.into()).unwrap_err();
    assert!(matches!(error, DecodeError::Illegal { source: InvalidInput::TooLong { .. }, .. }), "{error:?}");
}

/// The error of an event with this type, metadata and tags, and the byte that it names.
fn error_of(parts: &[&[u8]]) -> String {
    eventstore_api::message_with_causes(&decode(&of_event(parts)).unwrap_err())
}

#[test]
fn what_the_contract_does_not_allow_is_refused_at_its_byte() {
    const AFTER_TYPE: &[u8] = b"\x01T\x01\0\0";
    for (parts, message) in [
        (&[&b"\0\x01\0\0\0\0"[..]][..], "what stands at byte 21 is not legal: the event type is empty"),
        (
            &[b"\x02a\n\x01\0\0\0\0"],
            "what stands at byte 21 is not legal: the event type holds the control character '\\n' at byte 1",
        ),
        (
            &[AFTER_TYPE, b"\0\x01\x03tag"],
            "what stands at byte 28 is not legal: the tag `tag` is not of the form `key:value`, with a key that holds no `:`",
        ),
        (&[AFTER_TYPE, b"\x01\0\x01v\0"], "what stands at byte 27 is not legal: the metadata name is empty"),
        (
            &[AFTER_TYPE, b"\0\x02\x03b:1\x03a:1"],
            "an entry of the tags of an event, at byte 32, is not greater than the one before it",
        ),
        (
            &[AFTER_TYPE, b"\0\x02\x03a:1\x03a:1"],
            "an entry of the tags of an event, at byte 32, is not greater than the one before it",
        ),
        (
            &[AFTER_TYPE, b"\x02\x01b\x011\x01a\x011\0"],
            "an entry of the metadata, at byte 31, is not greater than the one before it",
        ),
        (
            &[AFTER_TYPE, b"\x02\x01a\x011\x01a\x012\0"],
            "an entry of the metadata, at byte 31, is not greater than the one before it",
        ),
    ] {
        assert_eq!(error_of(parts), message);
    }
}

#[test]
fn text_that_is_none_is_refused_at_its_byte() {
    for (parts, place) in [
        (&b"\x02\xc3\x28\x01\0\0\0\0"[..], 21),
        (b"\x01T\x01\0\0\x01\x01\xff\x00\0", 27),
        (b"\x01T\x01\0\0\x01\x01n\x01\xff\0", 29),
        (b"\x01T\x01\0\0\0\x01\x03k:\xff", 28),
    ] {
        let error = decode(&of_event(&[parts])).unwrap_err();
        assert!(matches!(error, DecodeError::Unreadable { at, .. } if at == place), "{error:?}");
    }
}

#[test]
fn a_stream_without_events_is_refused() {
    let bytes = encoded(&[append("s", Vec::new())]);
    assert!(matches!(decode(&bytes), Err(DecodeError::NoEvents { at: 4 })));
}

#[test]
fn a_stream_name_that_is_not_legal_is_refused_at_its_byte() {
    let event = NewEvent::identified(id([7; 16]), EventType::new("T").unwrap(), "");
    let mut bytes = encoded(&[append("two lines", vec![event])]).to_vec();
    bytes[6] = b'\n';
    let error = decode(&bytes.into()).unwrap_err();
    assert!(matches!(error, DecodeError::Illegal { at: 2, .. }), "{error:?}");
}
