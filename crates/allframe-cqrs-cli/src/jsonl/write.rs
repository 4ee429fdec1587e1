use eventstore_api::{Metadata, RecordedEvent, Tag, Tags};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::{Rfc3339, base64, json_text};

/// The event as a line, without its end: what [`event_of`](super::event_of) takes, and where the store has it.
pub(crate) fn line_of(event: &RecordedEvent) -> serde_json::Result<Vec<u8>> {
    let data = json_text::of_payload(&event.payload, event.encoding);
    serde_json::to_vec(&Line {
        stream: event.stream.as_str(),
        event_type: event.event_type.as_str(),
        data_base64: data.is_none().then(|| base64::encode(&event.payload)),
        encoding: data.is_none().then(|| event.encoding.get()),
        data: data.as_deref(),
        id: event.id.to_string(),
        metadata: &event.metadata,
        tags: &event.tags,
        schema_version: event.schema_version,
        version: event.version.get(),
        position: event.position.get(),
        recorded_at: Rfc3339(event.recorded_at).to_string(),
    })
}

#[derive(Serialize)]
struct Line<'e> {
    stream: &'e str,
    #[serde(rename = "type")]
    event_type: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'e RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<u8>,
    id: String,
    #[serde(serialize_with = "metadata")]
    metadata: &'e Metadata,
    #[serde(serialize_with = "tags")]
    tags: &'e Tags,
    schema_version: u32,
    version: u64,
    position: u64,
    recorded_at: String,
}

fn metadata<S: Serializer>(metadata: &&Metadata, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(metadata.iter())
}

fn tags<S: Serializer>(tags: &&Tags, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(tags.iter().map(Tag::as_str))
}
