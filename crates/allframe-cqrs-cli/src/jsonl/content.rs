use eventstore_api::Encoding;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{base64, json_text};

/// A payload in a line of JSON: as it is where it is JSON, and otherwise as base64, with what says how it is to be understood.
#[derive(Serialize)]
pub(crate) struct Content {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<u8>,
}

impl Content {
    pub(crate) fn of(payload: &[u8], encoding: Encoding) -> Self {
        match json_text::of_payload(payload, encoding) {
            Some(data) => Self { data: Some(data), data_base64: None, encoding: None },
            None => Self {
                data: None,
                data_base64: Some(base64::encode(payload)),
                encoding: Some(encoding.get()),
            },
        }
    }
}
