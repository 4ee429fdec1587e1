//! Lines of JSON, as the tool imports and exports them.

// The module of the tool itself, which is a program, so that nobody can depend on it.
#[allow(dead_code, unreachable_pub, unused_imports, reason = "a part of it is called here")]
#[path = "../../allframe-cqrs-cli/src/jsonl/mod.rs"]
mod of_the_tool;

use eventstore_api::{
    AppendBatch, Encoding, EventId, EventType, ExpectedVersion, GlobalPosition, Metadata, NewEvent,
    Placement, StreamId, Tags, Timestamp, Version,
};
use of_the_tool::{event_of, json_text, line_of};

use crate::{
    input::Input,
    target::{Finding, Outcome, ensure, must},
};

/// The input: which of it (1 byte), then a line, or JSON of any layout, or the payload of an event.
pub(crate) fn read(data: &[u8]) -> Result<Outcome, Finding> {
    let mut input = Input::new(data);
    match input.byte() % 3 {
        0 => read_line(input.rest()),
        1 => lay_out(input.rest()),
        _ => write_event(&mut input),
    }
}

fn read_line(line: &[u8]) -> Result<Outcome, Finding> {
    match event_of(line) {
        Ok((stream, event)) => comes_back(&stream, &event),
        Err(refused) => {
            ensure(!refused.to_string().is_empty(), || "it is refused without a word".to_owned())?;
            Ok(Outcome::Refused)
        }
    }
}

/// Of an event that a line may hold and of one that a store may: it is the same behind its line. Only white space of JSON is
/// not kept.
fn comes_back(stream: &StreamId, event: &NewEvent) -> Result<Outcome, Finding> {
    let recorded = event.clone().record(Placement {
        stream: stream.clone(),
        version: Version::new(1),
        position: GlobalPosition::new(1),
        recorded_at: Timestamp::from_micros(0),
    });
    let line = must("the line of an event", line_of(&recorded))?;
    ensure(!line.contains(&b'\n'), || format!("{event:?} is more than a line"))?;
    let (stream_again, again) = must("the line of an event", event_of(&line))?;
    let mut expected = event.clone();
    if let Some(json) = json_text::of_payload(&event.payload, event.encoding) {
        expected.payload = json.get().as_bytes().to_vec().into();
    }
    ensure(stream_again == *stream && again == expected, || {
        format!("{expected:?} of {stream} is read again as {again:?} of {stream_again}")
    })?;
    Ok(Outcome::Read)
}

fn lay_out(text: &[u8]) -> Result<Outcome, Finding> {
    // It is asked of payloads that are no JSON, too.
    let any = String::from_utf8_lossy(text);
    let _ = (json_text::compact(&any), json_text::pretty(&any, 3));
    let Some(json) = json_text::parse(text) else { return Ok(Outcome::Refused) };
    let compact = json_text::compact(json);
    ensure(json_text::parse(compact.as_bytes()) == Some(&compact), || {
        format!("{json:?} is not {compact:?}")
    })?;
    let (pretty, left_out) = json_text::pretty(json, usize::MAX);
    ensure(left_out == 0 && json_text::compact(&pretty) == compact, || {
        format!("{compact:?} is laid out as {pretty:?}")
    })?;
    Ok(Outcome::Read)
}

/// The input: stream, type, encoding, tags, metadata, payload.
fn write_event(input: &mut Input<'_>) -> Result<Outcome, Finding> {
    let (Ok(stream), Ok(event_type)) = (StreamId::new(input.text()), EventType::new(input.text())) else {
        return Ok(Outcome::Refused);
    };
    let encoding = Encoding::new(input.byte());
    let tags = Tags::parse((0..input.byte() % 4).map(|_| input.text()).collect::<Vec<_>>());
    let metadata: Metadata = (0..input.byte() % 4).map(|_| (input.text(), input.text())).collect();
    let event =
        NewEvent::identified(EventId::from_uuid(uuid::Uuid::from_u128(7)), event_type, input.rest().to_vec())
            .with_encoding(encoding)
            .with_metadata(metadata)
            .with_tags(tags.unwrap_or_default());
    // What no store takes is not exported.
    let append = AppendBatch::single(stream.clone(), ExpectedVersion::Any, vec![event.clone()]);
    if append.validate().is_err() {
        return Ok(Outcome::Refused);
    }
    comes_back(&stream, &event)
}

pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let of = |kind: u8, bytes: &[u8]| [&[kind], bytes].concat();
    let everything = br#"{"stream":"account-7","type":"Opened","data":{"owner": "ann", "n":1.50},
"id":"01890a5d-ac96-774b-bcce-b302099a8057","metadata":{"user":"ann","correlation_id":"7"},
"tags":["account:7"],"schema_version":2,"version":3,"position":9,"recorded_at":"2013-01-01T10:00:00Z"}"#;
    let event: &[u8] = &[
        3, b'a', b'-', b'1', 1, b'T', 1, 1, 3, b'k', b':', b'v', 1, 1, b'n', 1, b'v', b'[', b'1', b' ', b']',
    ];
    vec![
        ("line", of(0, everything)),
        ("null", of(0, br#"{"stream":"s","type":"T","data":null}"#)),
        ("bytes", of(0, br#"{"stream":"s","type":"T","data_base64":"AP8=","encoding":200}"#)),
        ("json", of(1, b"{\"a\" : [1, 1e999, \"\\u00e9\\\\\", {}, []],\n\"b\": null}")),
        ("event", of(2, event)),
    ]
}
