//! The filter of an append condition, as `append_events` takes it.

use eventstore_api::{EventFilter, EventType, Tag};
use serde_json::{Map, Value, json};

use crate::filter::{can_match, prefix_end};

pub(super) fn criteria(filter: &EventFilter) -> Value {
    let Some(criteria) = filter.criteria() else { return json!([{}]) };
    let objects = criteria.iter().filter(|criterion| can_match(criterion)).map(|criterion| {
        let mut object = Map::new();
        if let Some(types) = &criterion.event_types {
            let types: Vec<&str> = types.iter().map(EventType::as_str).collect();
            object.insert("types".to_owned(), json!(types));
        }
        if let Some(stream) = &criterion.stream {
            object.insert("stream".to_owned(), json!(stream.as_str()));
        }
        if let Some(prefix) = criterion.stream_prefix.as_deref().filter(|prefix| !prefix.is_empty()) {
            object.insert("prefix".to_owned(), json!(prefix));
            if let Some(end) = prefix_end(prefix) {
                object.insert("prefix_end".to_owned(), json!(end));
            }
        }
        if !criterion.tags.is_empty() {
            let tags: Vec<&str> = criterion.tags.iter().map(Tag::as_str).collect();
            object.insert("tags".to_owned(), json!(tags));
        }
        Value::Object(object)
    });
    Value::Array(objects.collect())
}
