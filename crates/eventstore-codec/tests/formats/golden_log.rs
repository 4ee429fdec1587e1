//! The bytes of every released format of what a log keeps. They never change: a test that fails here means that stored
//! events can no longer be read.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use crate::support::{append, decode, encoded, event, hex, rich};
use bytes::Bytes;
use eventstore_api::{Encoding, EventType, Snapshot, StreamId, Version};
use eventstore_codec::{DecodeError, decode_snapshot, encode_snapshot};

fn snapshot() -> Snapshot {
    Snapshot::new(
        StreamId::new("account-7").unwrap(),
        Version::new(70_000),
        EventType::new("Account").unwrap(),
        r#"{"balance":42}"#,
    )
    .with_schema_version(3)
    .with_encoding(Encoding::JSON)
}

#[test]
fn format_1_appends() {
    let golden = [
        "01",                                             // the format
        "02",                                             // two streams
        "0d666c696768742d554131353435",                   // flight-UA1545
        "02",                                             // two events
        "000102030405060708090a0b0c0d0e0f",               // the id
        "0a53656174426f6f6b6564",                         // SeatBooked
        "02",                                             // schema version 2
        "01",                                             // JSON
        "0a7b2273656174223a317d",                         // {"seat":1}
        "02",                                             // two entries of metadata
        "0e636f7272656c6174696f6e5f6964027239",           // correlation_id: r9
        "0475736572045a6fc3ab",                           // user: Zoë
        "02",                                             // two tags
        "0d666c696768743a554131353435",                   // flight:UA1545
        "0d70617373656e6765723a616e6e",                   // passenger:ann
        "11111111111111111111111111111111",               // the next id
        "0158",                                           // X
        "fb2c01",                                         // schema version 300
        "c8",                                             // encoding 200
        "000000",                                         // no payload, no metadata, no tags
        "02c3a4",                                         // ä
        "01",                                             // one event
        "11111111111111111111111111111111044c6f6e670100", // id, Long, schema version 1, binary
        "fb2c01",
        &"ab".repeat(300), // 300 bytes
        "0000",            // no metadata, no tags
    ]
    .concat();
    let bytes = encoded(&rich());
    assert_eq!(hex(&bytes), golden);
    let (streams, consumed) = decode(&bytes).unwrap();
    assert_eq!(consumed, bytes.len());
    for (append, events) in rich().iter().zip(&streams) {
        assert_eq!(append.events.len(), events.len());
        for (new, recorded) in append.events.iter().zip(events) {
            assert!(recorded.same_content(new), "{recorded:?} is not {new:?}");
            assert_eq!(recorded.stream, append.stream);
        }
    }
    assert_eq!(streams.len(), 2);
}

#[test]
fn format_1_snapshot() {
    let golden = [
        "01",                             // the format
        "096163636f756e742d37",           // account-7
        "fc70110100",                     // version 70,000
        "074163636f756e74",               // Account
        "03",                             // schema version 3
        "01",                             // JSON
        "0e7b2262616c616e6365223a34327d", // {"balance":42}
    ]
    .concat();
    let mut bytes = Vec::new();
    encode_snapshot(&snapshot(), &mut bytes);
    assert_eq!(hex(&bytes), golden);
    assert_eq!(decode_snapshot(&bytes.into()).unwrap(), snapshot());
}

#[test]
fn format_1_integers_of_every_width() {
    let widths = [
        (0, "00"),
        (1, "01"),
        (250, "fa"),
        (251, "fbfb00"),
        (65_535, "fbffff"),
        (65_536, "fc00000100"),
        (1 << 32, "fd0000000001000000"),
        (u64::MAX, "fdffffffffffffffff"),
    ];
    for (version, golden) in widths {
        let mut snapshot = snapshot();
        snapshot.version = Version::new(version);
        let mut bytes = Vec::new();
        encode_snapshot(&snapshot, &mut bytes);
        assert!(hex(&bytes).contains(golden), "{version}: {}", hex(&bytes));
        assert_eq!(decode_snapshot(&bytes.into()).unwrap(), snapshot);
    }
}

#[test]
fn a_small_event_takes_22_bytes_beyond_its_payload_and_type() {
    let one = encoded(&[append("s", vec![event("Type", "payload"); 1])]).len();
    let two = encoded(&[append("s", vec![event("Type", "payload"); 2])]).len();
    assert_eq!(two - one, 22 + "Type".len() + "payload".len());
}

#[test]
fn what_stands_before_and_behind_an_append_is_left_alone() {
    let mut log = b"before".to_vec();
    eventstore_codec::encode_appends(&rich(), &mut log);
    let end = log.len();
    log.extend(b"behind");
    let log = Bytes::from(log);
    assert_eq!(&log[..6], b"before");
    assert_eq!(decode(&log.slice(6..)).unwrap().1, end - 6);
}

#[test]
fn another_format_is_named() {
    let mut bytes = encoded(&rich()).to_vec();
    bytes[0] = 2;
    let bytes = Bytes::from(bytes);
    let errors = [decode(&bytes).unwrap_err(), decode_snapshot(&bytes).unwrap_err()];
    for error in errors {
        assert!(matches!(error, DecodeError::UnknownFormat { found: 2, known: 1 }), "{error:?}");
    }
    assert!(matches!(decode(&Bytes::new()), Err(DecodeError::Empty)));
    assert!(matches!(decode_snapshot(&Bytes::new()), Err(DecodeError::Empty)));
}
