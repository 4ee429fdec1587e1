//! How payloads are encoded, that codecs mix in one store, and what a payload that cannot be read is told by.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use allframe_cqrs::{
    DecodeReason, Error, EventStore, EventStoreBackend, ExpectedVersion, PayloadCodec, StreamId,
    api::{Encoding, EventType, NewEvent},
    event,
};
use proptest::{collection, option, prelude::*};
use serde::{Deserialize, Serialize};

#[event]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Unit,
    Newtype(u32),
    Tuple(i8, String),
    Struct { wide: i64, text: Option<String>, list: Vec<Inner> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Inner {
    Nothing,
    One(u64),
    Pair { left: bool, right: char },
}

/// Every codec that is compiled in.
fn codecs() -> Vec<PayloadCodec> {
    vec![
        PayloadCodec::Json,
        #[cfg(feature = "bincode")]
        PayloadCodec::Bincode,
    ]
}

fn shapes() -> Vec<Shape> {
    let list = vec![Inner::Nothing, Inner::One(u64::MAX), Inner::Pair { left: true, right: '\u{1f680}' }];
    vec![
        Shape::Unit,
        Shape::Newtype(u32::MAX),
        Shape::Tuple(-1, "ann".into()),
        Shape::Struct { wide: i64::MIN, text: Some("a \"quoted\" word".into()), list },
        Shape::Struct { wide: 0, text: None, list: vec![] },
    ]
}

/// A store that holds one event as somebody else has stored it.
async fn holding(event_type: &'static str, encoding: Encoding, payload: &'static [u8]) -> EventStore<Shape> {
    let store = EventStore::new();
    let stream = StreamId::new("shape-1").unwrap();
    let before = NewEvent::new(EventType::new("Unit").unwrap(), "{}").with_encoding(Encoding::JSON);
    let event = NewEvent::new(EventType::new(event_type).unwrap(), payload).with_encoding(encoding);
    store.backend().append(&stream, ExpectedVersion::Any, vec![before, event]).await.unwrap();
    store
}

#[tokio::test]
async fn every_shape_of_variant_round_trips_in_every_codec() {
    for codec in codecs() {
        let store = EventStore::new().with_codec(codec);
        store.append("shape-1", shapes()).await.unwrap();
        assert_eq!(store.get_events("shape-1").await.unwrap(), shapes(), "{codec:?}");
    }
}

#[tokio::test]
async fn a_record_says_how_its_payload_is_encoded() {
    for codec in codecs() {
        let store = EventStore::new().with_codec(codec);
        store.append("shape-1", shapes()).await.unwrap();
        for record in store.backend().get_all_events().await.unwrap() {
            assert_eq!(record.encoding, codec.encoding());
        }
    }
}

#[tokio::test]
async fn a_payload_in_an_unknown_encoding_names_the_event_and_what_was_expected() {
    let store = holding("Newtype", Encoding::new(200), b"\x01\x02").await;
    let error = store.get_events("shape-1").await.unwrap_err();
    assert!(matches!(&error, Error::Decode(error) if matches!(error.reason, DecodeReason::UnknownEncoding)));
    insta::assert_snapshot!(error, @"event 2 of stream `shape-1` (position 2), stored as `Newtype` schema version 1 in encoding 200, cannot be read as `store::codecs::Shape`");
    insta::assert_snapshot!(String::from(error), @"event 2 of stream `shape-1` (position 2), stored as `Newtype` schema version 1 in encoding 200, cannot be read as `store::codecs::Shape`: no codec for this encoding is compiled in; bincode needs the feature `bincode` of allframe-cqrs");
}

#[tokio::test]
async fn a_payload_that_does_not_fit_names_the_event_and_what_was_expected() {
    let store = holding("Tuple", Encoding::JSON, br#"[-1,{"not":"text"}]"#).await;
    let error = store.get_events("shape-1").await.unwrap_err();
    assert!(matches!(&error, Error::Decode(error) if matches!(error.reason, DecodeReason::Payload(_))));
    insta::assert_snapshot!(error, @"event 2 of stream `shape-1` (position 2), stored as `Tuple` schema version 1 in json, cannot be read as `store::codecs::Shape`");
    insta::assert_snapshot!(String::from(error), @"event 2 of stream `shape-1` (position 2), stored as `Tuple` schema version 1 in json, cannot be read as `store::codecs::Shape`: the payload does not fit the type: invalid type: map, expected a string at line 1 column 4");
}

#[tokio::test]
async fn an_event_type_that_the_enum_does_not_have_names_those_it_has() {
    let store = holding("Blob", Encoding::JSON, b"{}").await;
    let error = store.get_events("shape-1").await.unwrap_err();
    insta::assert_snapshot!(String::from(error), @r#"event 2 of stream `shape-1` (position 2), stored as `Blob` schema version 1 in json, cannot be read as `store::codecs::Shape`: events of this type are stored as Unit, Newtype, Tuple, Struct; if a name in the code has changed, say so with #[event(rename = "..")] or #[event(aliases(".."))]"#);
}

#[tokio::test]
async fn garbage_of_any_kind_is_an_error_and_never_a_panic() {
    for payload in [&b""[..], b"{", b"nul", b"\xff\xfe", b"[1,2,3]", b"7 8", b"{}{}", b"\"\xed\xa0\x80\""] {
        for event_type in ["Newtype", "Tuple", "Struct"] {
            let read = holding(event_type, Encoding::JSON, payload).await.get_events("shape-1").await;
            assert!(matches!(read, Err(Error::Decode(_))), "{event_type} {payload:?}: {read:?}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_encoded_is_an_error_that_names_it_and_nothing_is_stored() {
    use std::collections::BTreeMap;

    #[event]
    #[derive(Clone, Serialize, Deserialize)]
    enum Odd {
        Fine,
        KeyedByPairs(BTreeMap<(u8, u8), u8>),
    }

    let store = EventStore::new();
    let events = vec![Odd::Fine, Odd::KeyedByPairs(BTreeMap::from([((1, 2), 3)]))];
    let error = store.append("odd-1", events).await.unwrap_err();
    insta::assert_snapshot!(String::from(error), @"`KeyedByPairs` cannot be kept as json; change the value or its serde attributes, or take another codec: key must be a string");
    assert_eq!(store.stats().await.unwrap().total_events, 0);
}

#[tokio::test]
async fn what_could_not_be_read_again_is_refused_and_nothing_is_stored() {
    #[event]
    #[derive(Clone, Debug, Serialize, Deserialize)]
    enum Poison {
        Measured(f64),
        Nested(Tree),
    }

    #[derive(Clone, Debug, Default, Serialize, Deserialize)]
    struct Tree {
        below: Vec<Tree>,
    }

    let deep = (0..200).fold(Tree::default(), |tree, _| Tree { below: vec![tree] });
    let store = EventStore::new();
    store.append("poison-1", vec![Poison::Measured(1.5)]).await.unwrap();
    for poison in [Poison::Measured(f64::NAN), Poison::Measured(f64::INFINITY), Poison::Nested(deep)] {
        let error = store.append("poison-1", vec![poison]).await.unwrap_err();
        assert!(matches!(error, Error::Encode { .. }), "{error:?}");
    }
    assert_eq!(store.get_events("poison-1").await.unwrap().len(), 1);
}

/// As the page of the codec says.
#[tokio::test]
async fn a_number_that_json_does_not_have_is_none_where_it_may_be_left_out() {
    #[event]
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Measured {
        value: Option<f64>,
    }

    let store = EventStore::new();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.5] {
        store.append("sensor-1", vec![Measured { value: Some(value) }]).await.unwrap();
    }
    let values: Vec<_> =
        store.get_events("sensor-1").await.unwrap().into_iter().map(|event| event.value).collect();
    assert_eq!(values, [None, None, None, Some(1.5)]);
}

#[cfg(feature = "bincode")]
#[tokio::test]
async fn what_bincode_would_read_back_as_something_else_is_refused() {
    #[event]
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Order {
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        quantity: u8,
        extra: Vec<u8>,
    }

    #[event]
    #[derive(Clone, Debug, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        One { number: u8 },
    }

    let orders = EventStore::new().with_codec(PayloadCodec::Bincode);
    let order = Order { note: None, quantity: 0, extra: vec![0] };
    assert!(matches!(orders.append("order-1", vec![order]).await, Err(Error::Encode { .. })));
    let tagged = EventStore::new().with_codec(PayloadCodec::Bincode);
    assert!(matches!(
        tagged.append("tagged-1", vec![Tagged::One { number: 1 }]).await,
        Err(Error::Encode { .. })
    ));
}

#[tokio::test]
async fn a_newer_schema_version_is_not_read_as_an_older_one() {
    #[event]
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Priced {
        cents: u64,
    }

    let store = EventStore::<Priced>::new();
    let newer = NewEvent::new(EventType::new("Priced").unwrap(), r#"{"cents":1}"#)
        .with_encoding(Encoding::JSON)
        .with_schema_version(2);
    let stream = StreamId::new("price-1").unwrap();
    store.backend().append(&stream, ExpectedVersion::Any, vec![newer]).await.unwrap();
    insta::assert_snapshot!(String::from(store.get_events("price-1").await.unwrap_err()), @"event 1 of stream `price-1` (position 1), stored as `Priced` schema version 2 in json, cannot be read as `store::codecs::a_newer_schema_version_is_not_read_as_an_older_one::{{closure}}::Priced`: schema version 1 is the newest that this program knows; a newer one can read it");
}

/// The outermost shape and a few inner ones, of anything that serde can say.
fn any_shape() -> impl Strategy<Value = Shape> {
    let inner = prop_oneof![
        Just(Inner::Nothing),
        any::<u64>().prop_map(Inner::One),
        any::<(bool, char)>().prop_map(|(left, right)| Inner::Pair { left, right }),
    ];
    prop_oneof![
        Just(Shape::Unit),
        any::<u32>().prop_map(Shape::Newtype),
        any::<(i8, String)>().prop_map(|(number, text)| Shape::Tuple(number, text)),
        (any::<i64>(), option::of(any::<String>()), collection::vec(inner, 0..4))
            .prop_map(|(wide, text, list)| Shape::Struct { wide, text, list }),
    ]
}

proptest! {
    #[test]
    fn any_events_come_back_as_they_were_whatever_codec_each_was_written_in(
        events in collection::vec((any_shape(), any::<prop::sample::Index>()), 1..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let read = runtime.block_on(async {
            let store = EventStore::new();
            for (event, codec) in &events {
                let writer = store.clone().with_codec(*codec.get(&codecs()));
                writer.append("shape-1", vec![event.clone()]).await.unwrap();
            }
            store.get_events("shape-1").await.unwrap()
        });
        prop_assert_eq!(read, events.into_iter().map(|(event, _)| event).collect::<Vec<_>>());
    }
}

#[cfg(feature = "bincode")]
mod bincode {
    use allframe_cqrs::InMemoryBackend;

    use super::*;

    /// How many bytes these events take, encoded like this.
    async fn size(codec: PayloadCodec, events: Vec<Shape>) -> usize {
        let store = EventStore::new().with_codec(codec);
        store.append("shape-1", events).await.unwrap();
        store.backend().get_all_events().await.unwrap().iter().map(|record| record.payload.len()).sum()
    }

    #[tokio::test]
    async fn bincode_takes_less_than_half_the_room_of_json() {
        let (json, bincode) =
            (size(PayloadCodec::Json, shapes()).await, size(PayloadCodec::Bincode, shapes()).await);
        assert!(bincode * 2 < json, "{bincode} bytes against {json}");
    }

    #[tokio::test]
    async fn one_store_reads_events_that_were_written_in_different_codecs() {
        let backend = InMemoryBackend::new();
        let json = EventStore::with_backend(backend.clone());
        let bincode = EventStore::with_backend(backend).with_codec(PayloadCodec::Bincode);
        json.append("shape-1", vec![Shape::Newtype(1)]).await.unwrap();
        bincode.append("shape-1", vec![Shape::Newtype(2)]).await.unwrap();
        json.append("shape-1", vec![Shape::Newtype(3)]).await.unwrap();
        let expected = [1, 2, 3].map(Shape::Newtype);
        assert_eq!(json.get_events("shape-1").await.unwrap(), expected);
        assert_eq!(bincode.get_all_events().await.unwrap(), expected);
    }

    #[tokio::test]
    async fn renaming_and_reordering_variants_orphans_no_event_in_bincode_either() {
        #[event]
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        enum Renamed {
            #[event(rename = "Struct")]
            Body { wide: i64, text: Option<String>, list: Vec<Inner> },
            #[event(aliases("Tuple"))]
            Pair(i8, String),
            #[event(rename = "Unit")]
            Empty,
        }

        let backend = InMemoryBackend::new();
        let old = vec![Shape::Unit, Shape::Tuple(1, "ann".into()), shapes().remove(4)];
        let writer = EventStore::with_backend(backend.clone()).with_codec(PayloadCodec::Bincode);
        writer.append("shape-1", old).await.unwrap();
        let read = EventStore::<Renamed>::with_backend(backend).get_events("shape-1").await.unwrap();
        let body = Renamed::Body { wide: 0, text: None, list: vec![] };
        assert_eq!(read, [Renamed::Empty, Renamed::Pair(1, "ann".into()), body]);
    }

    #[tokio::test]
    async fn a_bincode_payload_that_does_not_fit_names_the_event_and_what_was_expected() {
        let store = holding("Newtype", Encoding::BINCODE, b"\x01\x05trailing").await;
        let error = store.get_events("shape-1").await.unwrap_err();
        insta::assert_snapshot!(String::from(error), @"event 2 of stream `shape-1` (position 2), stored as `Newtype` schema version 1 in bincode, cannot be read as `store::codecs::Shape`: the payload does not fit the type: 8 bytes are left over after the value");
    }

    #[tokio::test]
    async fn bincode_garbage_is_an_error_and_never_a_panic() {
        for payload in [&b""[..], b"\x01", b"\x09\x01", b"\x01\xfd\xff\xff\xff\xff\xff\xff\xff\xff", b"{}"] {
            for event_type in ["Newtype", "Tuple", "Struct"] {
                let read = holding(event_type, Encoding::BINCODE, payload).await.get_events("shape-1").await;
                assert!(matches!(read, Err(Error::Decode(_))), "{event_type} {payload:?}: {read:?}");
            }
        }
    }
}

#[cfg(not(feature = "bincode"))]
#[tokio::test]
async fn without_the_feature_a_bincode_payload_says_which_feature_reads_it() {
    let store = holding("Newtype", Encoding::BINCODE, b"\x01\x05").await;
    let message = String::from(store.get_events("shape-1").await.unwrap_err());
    assert!(message.contains("bincode needs the feature `bincode`"), "{message}");
}
