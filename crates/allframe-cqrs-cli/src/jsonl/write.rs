use eventstore_api::{Metadata, RecordedEvent, Tag, Tags};
use serde::{Serialize, Serializer};

use super::{Content, Rfc3339};

/// The event as a line, without its end: what [`event_of`](super::event_of) takes, and where the store has it.
pub(crate) fn line_of(event: &RecordedEvent) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Line {
        stream: event.stream.as_str(),
        event_type: event.event_type.as_str(),
        content: Content::of(&event.payload, event.encoding),
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
    #[serde(flatten)]
    content: Content,
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
