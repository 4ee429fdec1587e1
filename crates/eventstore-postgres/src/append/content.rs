use eventstore_api::{Encoding, NewEvent};
use serde_json::Value;

use crate::json::as_json;

/// What an event holds, as the columns of the log take it.
pub(super) struct Content<'e> {
    /// The payload where it is JSON that PostgreSQL keeps as such.
    pub(super) data: Option<&'e str>,
    /// The payload where it is anything else.
    pub(super) payload: Option<&'e [u8]>,
    /// A JSON object of texts.
    pub(super) metadata: Option<String>,
    pub(super) tags: Vec<&'e str>,
}

impl<'e> Content<'e> {
    pub(super) fn of(event: &'e NewEvent) -> Self {
        let data = if event.encoding == Encoding::JSON { as_json(&event.payload) } else { None };
        let metadata = (!event.metadata.is_empty()).then(|| {
            let entries = event.metadata.iter().map(|(name, value)| (name.to_owned(), Value::from(value)));
            Value::Object(entries.collect()).to_string()
        });
        Self {
            data,
            payload: data.is_none().then_some(&event.payload),
            metadata,
            tags: event.tags.iter().map(eventstore_api::Tag::as_str).collect(),
        }
    }
}
