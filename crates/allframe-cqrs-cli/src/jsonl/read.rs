use std::{collections::BTreeMap, fmt};

use eventstore_api::{Encoding, EventId, EventType, InvalidInput, Metadata, NewEvent, StreamId, Tags};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{base64, json_text};

/// Why a line is no event.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadEvent {
    #[error("{message} at column {column}")]
    Json { message: String, column: usize },
    #[error("it is no JSON object")]
    NoObject,
    #[error(transparent)]
    Illegal(#[from] InvalidInput),
    #[error("it has no `data`")]
    NoData,
    #[error("it has both `data` and `data_base64`")]
    TwoPayloads,
    #[error("`encoding` stands beside `data`, which is always JSON: it belongs to `data_base64`")]
    EncodingOfJson,
    #[error("`data_base64` is not base64 with padding")]
    NotBase64,
}

/// The event that a line is about, and its stream.
pub(crate) fn event_of(line: &[u8]) -> Result<(StreamId, NewEvent), BadEvent> {
    // serde would take a list of the fields' values as well.
    if !line.trim_ascii_start().starts_with(b"{") {
        return Err(BadEvent::NoObject);
    }
    let line: Line<'_> = serde_json::from_slice(line).map_err(|error| json_error(&error))?;
    let (encoding, payload) = line.payload()?;
    let event_type = EventType::new(line.event_type)?;
    let event = match line.id {
        Some(id) => NewEvent::identified(id.parse::<EventId>()?, event_type, payload),
        None => NewEvent::new(event_type, payload),
    };
    let metadata =
        line.metadata.iter().flat_map(|it| &it.0).map(|(name, value)| (name.as_str(), value.as_str()));
    let event = event
        .with_encoding(encoding)
        .with_schema_version(line.schema_version.unwrap_or(FIRST_SCHEMA_VERSION))
        .with_metadata(Metadata::from_stored(metadata)?)
        .with_tags(Tags::parse(line.tags.unwrap_or_default())?);
    Ok((StreamId::new(line.stream)?, event))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'l> {
    stream: String,
    #[serde(rename = "type")]
    event_type: String,
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'l RawValue>,
    data_base64: Option<String>,
    encoding: Option<u8>,
    id: Option<String>,
    metadata: Option<Entries>,
    tags: Option<Vec<String>>,
    schema_version: Option<u32>,
    /// What export says in addition: the store gives its own.
    #[serde(rename = "version")]
    _version: Option<IgnoredAny>,
    #[serde(rename = "position")]
    _position: Option<IgnoredAny>,
    #[serde(rename = "recorded_at")]
    _recorded_at: Option<IgnoredAny>,
}

impl Line<'_> {
    fn payload(&self) -> Result<(Encoding, Vec<u8>), BadEvent> {
        match (self.data, &self.data_base64, self.encoding) {
            (Some(_), Some(_), _) => Err(BadEvent::TwoPayloads),
            (Some(_), None, Some(_)) => Err(BadEvent::EncodingOfJson),
            (Some(json), None, None) => Ok((Encoding::JSON, json_text::compact(json.get()).into_bytes())),
            (None, Some(text), encoding) => {
                let bytes = base64::decode(text).ok_or(BadEvent::NotBase64)?;
                Ok((encoding.map_or(Encoding::BINARY, Encoding::new), bytes))
            }
            (None, None, _) => Err(BadEvent::NoData),
        }
    }
}

/// Names, each with its value. Of one that comes twice nobody could say which value is meant.
struct Entries(BTreeMap<String, String>);

impl<'l> Deserialize<'l> for Entries {
    fn deserialize<D: Deserializer<'l>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self(BTreeMap::new()))
    }
}

impl<'l> Visitor<'l> for Entries {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of names and texts")
    }

    fn visit_map<A: MapAccess<'l>>(mut self, mut entries: A) -> Result<Self, A::Error> {
        while let Some((name, value)) = entries.next_entry::<String, String>()? {
            if self.0.contains_key(&name) {
                return Err(A::Error::custom(format_args!("`metadata` has the name {name:?} twice")));
            }
            self.0.insert(name, value);
        }
        Ok(self)
    }
}

/// `null` is data too.
fn present<'l, D: Deserializer<'l>>(deserializer: D) -> Result<Option<&'l RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

const FIRST_SCHEMA_VERSION: u32 = 1;

/// The message without its place: every line is the first one of its own JSON.
fn json_error(error: &serde_json::Error) -> BadEvent {
    let column = error.column();
    let text = error.to_string();
    let message = text.strip_suffix(&format!(" at line {} column {column}", error.line()));
    BadEvent::Json { message: message.unwrap_or(&text).to_owned(), column }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(line: &str) -> Result<(Encoding, Vec<u8>), BadEvent> {
        event_of(line.as_bytes()).map(|(_, event)| (event.encoding, event.payload.to_vec()))
    }

    #[test]
    fn data_is_any_json_and_keeps_every_digit() {
        for (data, expected) in [
            ("null", "null"),
            ("1.10e999", "1.10e999"),
            (
                "{ \"b\": 1, \"a\": 123456789012345678901234567890 }",
                "{\"b\":1,\"a\":123456789012345678901234567890}",
            ),
        ] {
            let line = format!("{{\"stream\":\"s\",\"type\":\"T\",\"data\":{data}}}");
            assert_eq!(payload(&line).unwrap(), (Encoding::JSON, expected.as_bytes().to_vec()));
        }
    }

    #[test]
    fn bytes_have_an_encoding() {
        let line = r#"{"stream":"s","type":"T","data_base64":"AP8="}"#;
        assert_eq!(payload(line).unwrap(), (Encoding::BINARY, vec![0, 255]));
        let line = r#"{"stream":"s","type":"T","data_base64":"AP8=","encoding":200}"#;
        assert_eq!(payload(line).unwrap(), (Encoding::new(200), vec![0, 255]));
    }

    #[test]
    fn a_name_that_comes_twice_is_refused() {
        let line = r#"{"stream":"s","type":"T","data":1,"metadata":{"user":"ann","user":"bob"}}"#;
        let refused = event_of(line.as_bytes()).unwrap_err().to_string();
        assert!(refused.starts_with("`metadata` has the name \"user\" twice at column "), "{refused}");
    }

    #[test]
    fn what_export_adds_is_ignored() {
        let line = r#"{"stream":"s","type":"T","data":1,"version":9,"position":8,"recorded_at":"?"}"#;
        assert!(event_of(line.as_bytes()).is_ok());
    }
}
