//! The bytes of every released format. They never change: a test that fails here means that stored events can no
//! longer be read.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::{collections::BTreeMap, marker::PhantomData};

use eventstore_codec::{DecodeError, decode_payload, encode_payload};
use proptest::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape {
    Unit,
    Newtype(u32),
    Tuple(i8, String),
    Struct { wide: i64, text: Option<String> },
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    decode_payload(PhantomData, bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn assert_golden<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T, golden: &str) {
    let bytes = encode_payload(value).unwrap();
    assert_eq!(hex(&bytes), golden);
    assert_eq!(&decode::<T>(&bytes).unwrap(), value);
}

#[test]
fn format_1_integers() {
    assert_golden(&0_u8, "0100");
    assert_golden(&250_u64, "01fa");
    assert_golden(&251_u64, "01fbfb00");
    assert_golden(&65_536_u64, "01fc00000100");
    assert_golden(&u64::MAX, "01fdffffffffffffffff");
    assert_golden(&-1_i64, "0101");
    assert_golden(&i64::MIN, "01fdffffffffffffffff");
}

#[test]
fn format_1_text_sequences_and_maps() {
    assert_golden(&"Zoë".to_owned(), "01045a6fc3ab");
    assert_golden(&vec![1_u16, 2, 300], "01030102fb2c01");
    assert_golden(&Some(true), "010101");
    assert_golden(&None::<bool>, "0100");
    assert_golden(&1.5_f64, "01000000000000f83f");
    assert_golden(&BTreeMap::from([("a".to_owned(), 1_u8), ("b".to_owned(), 2)]), "0102016101016202");
}

#[test]
fn format_1_enums_and_structs() {
    assert_golden(&Shape::Unit, "0100");
    assert_golden(&Shape::Newtype(7), "010107");
    assert_golden(&Shape::Tuple(-2, "x".into()), "0102fe0178");
    assert_golden(&Shape::Struct { wide: -300, text: Some("hi".into()) }, "0103fb570201026869");
}

#[test]
fn what_is_not_one_value_in_a_known_format_is_refused() {
    assert!(matches!(decode::<u8>(&[]), Err(DecodeError::Empty)));
    assert!(matches!(decode::<u8>(&[9, 0]), Err(DecodeError::UnknownFormat { found: 9, known: 1 })));
    assert!(matches!(decode::<u8>(&[1, 0, 0]), Err(DecodeError::TrailingBytes { count: 1 })));
    assert!(matches!(decode::<String>(&[1, 5, b'a']), Err(DecodeError::Malformed { .. })));
    assert!(matches!(decode::<Shape>(&[1, 200]), Err(DecodeError::Malformed { .. })));
}

#[test]
fn a_field_that_is_left_out_is_refused_however_deep_inside() {
    #[derive(Serialize)]
    struct Order {
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        quantity: u8,
    }
    let order = |note: Option<&str>| Order { note: note.map(str::to_owned), quantity: 1 };
    assert!(encode_payload(&order(Some("kept"))).is_ok());
    for error in [
        encode_payload(&order(None)).unwrap_err(),
        encode_payload(&Some(vec![(1, order(None))])).unwrap_err(),
        encode_payload(&BTreeMap::from([("key", order(None))])).unwrap_err(),
    ] {
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("field `note` is left out"), "{cause}");
    }
}

#[test]
fn a_length_that_lies_claims_no_memory() {
    let mut bytes = vec![1, 0xfd];
    bytes.extend((1_u64 << 60).to_le_bytes());
    assert!(matches!(decode::<String>(&bytes), Err(DecodeError::Malformed { .. })));
    assert!(matches!(decode::<Vec<u8>>(&bytes), Err(DecodeError::Malformed { .. })));
    assert!(matches!(decode::<Vec<u64>>(&bytes), Err(DecodeError::Malformed { .. })));
}

proptest! {
    #[test]
    fn any_value_round_trips(wide: i64, text: Option<String>, numbers: Vec<u32>, narrow: i8) {
        let shape = Shape::Struct { wide, text };
        prop_assert_eq!(decode::<Shape>(&encode_payload(&shape).unwrap()).unwrap(), shape);
        prop_assert_eq!(decode::<Vec<u32>>(&encode_payload(&numbers).unwrap()).unwrap(), numbers);
        prop_assert_eq!(decode::<i8>(&encode_payload(&narrow).unwrap()).unwrap(), narrow);
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let mut bytes = bytes;
        let _ = decode::<Vec<Shape>>(&bytes);
        bytes.insert(0, 1);
        let _ = decode::<Vec<Shape>>(&bytes);
        let _ = decode::<BTreeMap<String, Option<u64>>>(&bytes);
    }
}
