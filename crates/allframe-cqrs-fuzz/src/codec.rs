//! The binary form of appends, snapshots and payloads.

use std::{collections::BTreeMap, marker::PhantomData};

use bytes::Bytes;
use eventstore_api::{ExpectedVersion, NewEvent, StreamAppend};
use eventstore_codec::{
    AppendsReader, DecodeError, Names, decode_payload, decode_snapshot, encode_appends, encode_payload,
    encode_snapshot,
};
use serde::{Deserialize, Serialize};

use crate::{
    input::Input,
    target::{Finding, Outcome, ensure, must},
};

/// The input: which form (1 byte), then what is to be read.
pub(crate) fn read(data: &[u8]) -> Result<Outcome, Finding> {
    let mut input = Input::new(data);
    match input.byte() % 3 {
        0 => read_appends(input.rest()),
        1 => read_snapshot(&Bytes::copy_from_slice(input.rest())),
        _ => read_payload(input.rest()),
    }
}

fn read_appends(bytes: &[u8]) -> Result<Outcome, Finding> {
    let Ok(appends) = appends(bytes) else { return Ok(Outcome::Refused) };
    let mut again = Vec::new();
    encode_appends(&appends, &mut again);
    let read = must("what was written of what was read", self::appends(&again))?;
    let same = read
        .iter()
        .zip(&appends)
        .all(|(one, other)| one.stream == other.stream && one.events == other.events);
    ensure(same && read.len() == appends.len(), || format!("{appends:?} is read again as {read:?}"))?;
    Ok(Outcome::Read)
}

fn appends(bytes: &[u8]) -> Result<Vec<StreamAppend>, DecodeError> {
    let mut reader = AppendsReader::new(bytes)?;
    let mut names = Names::new();
    let mut appends = Vec::new();
    while let Some(stream) = reader.next_stream()? {
        let mut events = Vec::new();
        for _ in 0..stream.events {
            let view = reader.next_event()?;
            let event_type = names.event_type(view.event_type)?;
            events.push(
                NewEvent::identified(view.id, event_type, Bytes::copy_from_slice(view.payload))
                    .with_schema_version(view.schema_version)
                    .with_encoding(view.encoding)
                    .with_metadata(view.metadata.to_metadata()?)
                    .with_tags(view.tags.to_tags()?),
            );
        }
        let stream = stream.to_stream_id(&mut names)?;
        appends.push(StreamAppend { stream, expected: ExpectedVersion::Any, events });
    }
    Ok(appends)
}

fn read_snapshot(bytes: &Bytes) -> Result<Outcome, Finding> {
    let Ok(snapshot) = decode_snapshot(bytes) else { return Ok(Outcome::Refused) };
    let mut again = Vec::new();
    encode_snapshot(&snapshot, &mut again);
    let read = must("what was written of what was read", decode_snapshot(&again.into()))?;
    ensure(read == snapshot, || format!("{snapshot:?} is read again as {read:?}"))?;
    Ok(Outcome::Read)
}

/// Every form that a payload can have, but a recursion, which the codec leaves to whoever has one.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Payload {
    Nothing,
    Numbers { small: u8, signed: i64, wide: u128, real: f32, letter: char },
    Texts(String, Option<String>, Vec<String>),
    Map(BTreeMap<String, Vec<u16>>),
    Nested(Vec<(bool, Option<Vec<i8>>)>),
    Tuple((u8, u16), [i32; 3]),
}

fn read_payload(bytes: &[u8]) -> Result<Outcome, Finding> {
    let Ok(payload) = decode_payload(PhantomData::<Payload>, bytes) else { return Ok(Outcome::Refused) };
    let again = must("writing what was read", encode_payload(&payload))?;
    let read = must("what was written of what was read", decode_payload(PhantomData::<Payload>, &again))?;
    // Numbers that are none are not equal to themselves, and their bytes are.
    let and_again = must("writing it again", encode_payload(&read))?;
    ensure(and_again == again, || format!("{payload:?} is read again as {read:?}"))?;
    Ok(Outcome::Read)
}

pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let mut seeds = Vec::new();
    let mut body = Vec::new();
    encode_appends(&crate::seeds::appends(), &mut body);
    seeds.push(("appends", [&[0], body.as_slice()].concat()));
    let mut body = Vec::new();
    if let Some(snapshot) = crate::seeds::snapshot() {
        encode_snapshot(&snapshot, &mut body);
    }
    seeds.push(("snapshot", [&[1], body.as_slice()].concat()));
    let payloads = [
        ("nothing", Payload::Nothing),
        ("numbers", Payload::Numbers { small: 1, signed: -1, wide: u128::MAX, real: 0.5, letter: 'ß' }),
        ("text", Payload::Texts("a".to_owned(), Some("b".to_owned()), vec!["c".to_owned(), String::new()])),
        ("map", Payload::Map(BTreeMap::from([("a".to_owned(), vec![1, 500]), ("b".to_owned(), vec![])]))),
        ("nested", Payload::Nested(vec![(true, None), (false, Some(vec![1, -1]))])),
        ("tuple", Payload::Tuple((1, 2), [3, 4, 5])),
    ];
    for (name, payload) in payloads {
        let body = encode_payload(&payload).unwrap_or_default();
        seeds.push((name, [&[2], body.as_slice()].concat()));
    }
    seeds
}
