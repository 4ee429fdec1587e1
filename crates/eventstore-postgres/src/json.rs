//! Which payloads PostgreSQL can keep as JSON.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The payload as text, if it is JSON, and can be cast to `jsonb`, so that one event never makes a query over many fail.
///
/// `jsonb` takes less than JSON allows: no NUL in a string, numbers only as large and as exact as `numeric`, and our own
/// parser's limit of 128 levels. What is not taken is kept as bytes.
pub(crate) fn as_json(payload: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(payload).ok()?;
    serde_json::from_str::<Acceptable>(text).ok()?;
    numbers_are_small(text).then_some(text)
}

/// Longer numbers, and exponents of more digits, are rare enough to be kept as bytes.
const LONGEST_NUMBER: usize = 256;
const LONGEST_EXPONENT: usize = 3;

/// Whether no number is beyond what `numeric` holds. The text is JSON.
fn numbers_are_small(text: &str) -> bool {
    let (mut in_text, mut escaped) = (false, false);
    let (mut length, mut exponent) = (0, None);
    for byte in text.bytes() {
        if in_text {
            in_text = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'0'..=b'9' | b'.' | b'+' | b'-' => {
                length += 1;
                if byte.is_ascii_digit() {
                    exponent = exponent.map(|digits: usize| digits + 1);
                }
            }
            b'e' | b'E' if length > 0 => exponent = Some(0),
            _ => (length, exponent) = (0, None),
        }
        if length > LONGEST_NUMBER || exponent.is_some_and(|digits| digits > LONGEST_EXPONENT) {
            return false;
        }
    }
    true
}

/// Any JSON whose strings hold no NUL. To be read is all it is for.
struct Acceptable;

impl<'de> Deserialize<'de> for Acceptable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Look)
    }
}

struct Look;

impl<'de> Visitor<'de> for Look {
    type Value = Acceptable;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON that jsonb holds")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Acceptable, E> {
        Ok(Acceptable)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Acceptable, E> {
        Ok(Acceptable)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Acceptable, E> {
        Ok(Acceptable)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Acceptable, E> {
        Ok(Acceptable)
    }

    fn visit_unit<E>(self) -> Result<Acceptable, E> {
        Ok(Acceptable)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Acceptable, E> {
        match text.contains('\0') {
            true => Err(E::custom("a NUL")),
            false => Ok(Acceptable),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Acceptable, A::Error> {
        while list.next_element::<Acceptable>()?.is_some() {}
        Ok(Acceptable)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Acceptable, A::Error> {
        while object.next_entry::<Acceptable, Acceptable>()?.is_some() {}
        Ok(Acceptable)
    }
}
