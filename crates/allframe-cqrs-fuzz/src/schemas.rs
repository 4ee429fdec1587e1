//! JSON schemas, as they lie in files and in a store: they are compared, and payloads are held against them.

use allframe_cqrs::schema::{EventSchema, differences, incompatibilities};
use serde_json::Value;

use crate::target::{Finding, Outcome, ensure, must};

/// The input: JSON, an array of two schemas.
pub(crate) fn compare(data: &[u8]) -> Result<Outcome, Finding> {
    let Ok(Value::Array(schemas)) = serde_json::from_slice::<Value>(data) else {
        return Ok(Outcome::Refused);
    };
    let [one, other] = schemas.as_slice() else { return Ok(Outcome::Refused) };
    let found = incompatibilities(one, other);
    ensure(incompatibilities(one, other) == found, || "asked again, it answers otherwise".to_owned())?;
    let _ = incompatibilities(other, one);
    let itself = differences(one, one);
    ensure(itself.is_empty(), || format!("it differs from itself: {itself:?}"))?;
    let _ = differences(one, other);
    // The order of keys means nothing.
    let schema = EventSchema::new("A", 1, one.clone(), other.clone());
    let text = must("writing what was read", serde_json::to_string(one))?;
    let again: Value = must("reading what was written", serde_json::from_str(&text))?;
    let again = EventSchema::new("A", 1, again, other.clone());
    ensure(again.fingerprint == schema.fingerprint, || {
        format!("written and read again it is another one: {text}")
    })?;
    Ok(Outcome::Read)
}

pub(crate) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let object = r#"{"type":"object","properties":{"a":{"type":"integer","minimum":0,"format":"uint8"},
        "b":{"type":["string","null"],"enum":["x","y",null]}},"required":["a"],"additionalProperties":false}"#;
    let list =
        r##"{"$defs":{"L":{"type":"array","items":{"$ref":"#/$defs/L"},"maxItems":3}},"$ref":"#/$defs/L"}"##;
    let either = r##"{"oneOf":[{"type":"object","properties":{"k":{"const":"a"}},"required":["k"]},
        {"type":"object","properties":{"k":{"const":"b"},"n":{"$ref":"#/$defs/N"}},"required":["k"]}],
        "$defs":{"N":{"anyOf":[{"type":"number"},{"allOf":[{"type":"string"},{"not":{"const":""}}]}]}}}"##;
    let pair = |one: &str, other: &str| format!("[{one},{other}]").into_bytes();
    vec![
        ("object", pair(object, &object.replace("uint8", "uint16").replace("\"a\"]", "\"a\",\"b\"]"))),
        ("list", pair(list, &list.replace("3", "4"))),
        ("either", pair(either, &either.replace("\"b\"", "\"c\""))),
        ("other", pair(object, either)),
        ("always", pair("true", "false")),
        ("circle", pair(r##"{"$ref":"#"}"##, r##"{"allOf":[{"$ref":"#"},{"$ref":"#/allOf/0"}]}"##)),
    ]
}
