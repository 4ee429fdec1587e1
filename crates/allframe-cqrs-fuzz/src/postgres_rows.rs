//! What stands in the rows of the store on PostgreSQL, without a server: events as their columns hold them, and which payloads are kept
//! as JSON.

// The modules of the store itself.
#[allow(dead_code, unreachable_pub, unused_imports, reason = "a part of it is called here")]
#[path = "../../eventstore-postgres/src/json.rs"]
mod json_of_the_store;
#[allow(dead_code, unreachable_pub, unused_imports, reason = "a part of it is called here")]
#[path = "../../eventstore-postgres/src/stored_event.rs"]
mod of_the_store;

use std::{collections::BTreeMap, fmt};

use eventstore_api::{RecordedEvent, Tag, Timestamp};
use eventstore_codec::Names;
use json_of_the_store::as_json;
use of_the_store::StoredEvent;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{
    input::Input,
    target::{Finding, Outcome, ensure, must},
};

/// The input: which of it (1 byte), then a payload, or columns.
pub(crate) fn read(data: &[u8]) -> Result<Outcome, Finding> {
    let mut input = Input::new(data);
    match input.byte() % 2 {
        0 => keep(input.rest()),
        _ => read_row(&mut input),
    }
}

/// What the store does with a payload is what comes of it value by value.
fn keep(payload: &[u8]) -> Result<Outcome, Finding> {
    let kept = as_json(payload);
    let text = std::str::from_utf8(payload).ok();
    let json = text.and_then(|text| serde_json::from_str::<&RawValue>(text).ok());
    let fits = json.is_some_and(|json| fits(json, 0).unwrap_or(false));
    ensure(kept.is_some() == fits, || {
        format!("{:?} is kept as {kept:?}, and fits: {fits}", String::from_utf8_lossy(payload))
    })?;
    ensure(kept.is_none() || kept == text, || format!("{text:?} is kept as {kept:?}"))?;
    Ok(if fits { Outcome::Read } else { Outcome::Refused })
}

/// So deep may JSON be nested.
const MAX_DEPTH: usize = 127;

fn fits(json: &RawValue, depth: usize) -> serde_json::Result<bool> {
    let text = json.get();
    match text.as_bytes().first() {
        Some(b'{' | b'[') if depth == MAX_DEPTH => Ok(false),
        Some(b'{') => {
            let Entries(entries) = serde_json::from_str(text)?;
            for (name, value) in entries {
                if name.contains('\0') || !fits(value, depth + 1)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Some(b'[') => {
            for value in serde_json::from_str::<Vec<&RawValue>>(text)? {
                if !fits(value, depth + 1)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Some(b'"') => Ok(!serde_json::from_str::<String>(text)?.contains('\0')),
        Some(b'-' | b'0'..=b'9') => {
            serde_json::from_str::<f64>(text)?;
            Ok(is_small(text))
        }
        _ => Ok(true),
    }
}

/// Whether a number has at most 256 characters, but for the letter of its exponent, and that at most 3 digits.
fn is_small(number: &str) -> bool {
    let (digits, exponent) = number.split_once(['e', 'E']).unwrap_or((number, ""));
    digits.len() + exponent.len() <= 256 && exponent.trim_start_matches(['+', '-']).len() <= 3
}

/// All entries of an object, also those of one name.
struct Entries<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;

        impl<'de> Visitor<'de> for All {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry::<String, &'de RawValue>()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(All)
    }
}

/// The input: position, version, time and version of the schema (8 bytes each), id (16), encoding (2), which columns hold something
/// (1 byte), stream, type, metadata, how many tags (1 byte), these, the payload.
fn read_row(input: &mut Input<'_>) -> Result<Outcome, Finding> {
    let (position, version) = (input.long(), input.long());
    let (recorded_at, schema_version) = (Timestamp::from_micros(input.long().cast_signed()), input.long());
    let id = Uuid::from_u64_pair(input.long(), input.long());
    let encoding = i16::from_le_bytes([input.byte(), input.byte()]);
    let holds = input.byte();
    let (stream, event_type, metadata) = (input.text(), input.text(), input.text());
    let tags: Vec<String> = (0..input.byte() % 4).map(|_| input.text()).collect();
    let payload = input.rest();
    let text = String::from_utf8_lossy(payload);
    let given = |bit: u8| holds & (1 << bit) != 0;
    let stored = StoredEvent {
        position,
        stream: &stream,
        version,
        recorded_at,
        id,
        schema_version,
        encoding,
        event_type: &event_type,
        data: given(0).then_some(&*text),
        payload: given(1).then_some(payload),
        metadata: given(2).then_some(&*metadata),
        tags: given(3).then(|| tags.iter().map(String::as_str).collect()),
    };
    let is_text = stored.data.is_some();
    let mut names = Names::new();
    let Ok(event) = stored.read(&mut names) else { return Ok(Outcome::Refused) };
    let again = must("the row of what was read", read_again(&event, is_text, &mut names))?;
    ensure(again == event, || format!("{event:?} is read again as {again:?}"))?;
    Ok(Outcome::Read)
}

/// The event of the row that an event has.
fn read_again(event: &RecordedEvent, is_text: bool, names: &mut Names) -> Result<RecordedEvent, String> {
    let entries: BTreeMap<&str, &str> = event.metadata.iter().collect();
    let metadata = serde_json::to_string(&entries).map_err(|error| error.to_string())?;
    let text = std::str::from_utf8(&event.payload).ok().filter(|_| is_text);
    let stored = StoredEvent {
        position: event.position.get(),
        stream: event.stream.as_str(),
        version: event.version.get(),
        recorded_at: event.recorded_at,
        id: *event.id.as_uuid(),
        schema_version: u64::from(event.schema_version),
        encoding: i16::from(event.encoding.get()),
        event_type: event.event_type.as_str(),
        data: text,
        payload: text.is_none().then_some(&*event.payload),
        metadata: Some(&metadata),
        tags: Some(event.tags.iter().map(Tag::as_str).collect()),
    };
    stored.read(names).map_err(|error| error.to_string())
}

pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let json = |text: &[u8]| [&[0], text].concat();
    let row = |holds: u8, payload: &[u8]| {
        let mut row = vec![1];
        for number in [7_u64, 3, 1_357_034_400_000_000, 2] {
            row.extend(number.to_le_bytes());
        }
        row.extend([7; 16]);
        row.extend([1, 0, holds]);
        for text in ["account-7", "Opened", r#"{"user":"ann"}"#] {
            row.push(u8::try_from(text.len()).unwrap_or(0));
            row.extend(text.bytes());
        }
        row.extend([1, 4]);
        row.extend(b"a:bc");
        row.extend(payload);
        row
    };
    vec![
        ("object", json(br#"{"a" : [1, -2.5e+3, "\u00e9\"1e9999"], "a":{"b":null}, "c":true}"#)),
        ("null-in-a-text", json(br#"{"a":"\u0000","a":1}"#)),
        ("long-exponents", json(b"[1e-999, 0e1000]")),
        ("long-number", json(&[b'1'; 257])),
        ("row", row(0b1101, br#"{"amount":1}"#)),
        ("row-of-bytes", row(0b0010, &[0, 255, 1])),
    ]
}
