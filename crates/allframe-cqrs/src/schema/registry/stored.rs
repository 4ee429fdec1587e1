//! What the registry keeps in the store: a stream for each stored name, and in it an event for each schema, as JSON, form 1.

use std::{borrow::Cow, sync::Arc};

use eventstore_api::{EventType, NewEvent, RecordedEvent, StreamId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{RegisteredSchema, SchemaHistory};
use crate::{
    PayloadCodec,
    schema::{CompatibilityMode, EventSchema, SchemaError},
};

/// What the name of each of the registry's streams begins with.
pub(super) const PREFIX: &str = "$schema-";
const REGISTERED: &str = "$schema.registered";
const MODE_SET: &str = "$schema.compatibility";

/// A schema of the name that the stream is about.
#[derive(Serialize, Deserialize)]
struct Registered<'a> {
    version: u32,
    /// For people and tools: it is computed anew when it is read.
    fingerprint: Cow<'a, str>,
    /// Under which it was registered.
    mode: CompatibilityMode,
    schema: Cow<'a, Value>,
    /// Where another is read than is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    read_schema: Option<Cow<'a, Value>>,
}

/// What was said of a name, whatever programs say.
#[derive(Serialize, Deserialize)]
struct ModeSet {
    mode: CompatibilityMode,
}

/// The stream of a stored name.
pub(super) fn stream_of(event_type: &str) -> Result<StreamId, SchemaError> {
    StreamId::new(format!("{PREFIX}{event_type}")).map_err(|error| SchemaError::Store(error.into()))
}

/// The event that registers a schema.
pub(super) fn registered(schema: &EventSchema, mode: CompatibilityMode) -> Result<NewEvent, SchemaError> {
    let differs = schema.read_schema != schema.schema;
    let event = Registered {
        version: schema.schema_version,
        fingerprint: Cow::Owned(schema.fingerprint.to_string()),
        mode,
        schema: Cow::Borrowed(&schema.schema),
        read_schema: differs.then_some(Cow::Borrowed(&schema.read_schema)),
    };
    to_event(REGISTERED, &event)
}

/// The event that sets the mode of a name.
pub(super) fn mode_set(mode: CompatibilityMode) -> Result<NewEvent, SchemaError> {
    to_event(MODE_SET, &ModeSet { mode })
}

/// What the events of a stream add up to.
pub(super) fn history_of(event_type: &str, records: &[RecordedEvent]) -> Result<SchemaHistory, SchemaError> {
    let mut history = SchemaHistory::none(event_type);
    for record in records {
        history.end = record.version;
        match record.event_type.as_str() {
            REGISTERED => {
                let Registered { version, mode, schema, read_schema, .. } = from_record(record)?;
                let schema = schema.into_owned();
                let read_schema = read_schema.map_or_else(|| schema.clone(), Cow::into_owned);
                let schema = EventSchema::new(event_type.to_owned(), version, schema, read_schema);
                let revision = history.of_version(version).count().saturating_add(1);
                let registered_at = record.recorded_at;
                history.schemas.push(RegisteredSchema { schema, revision, mode, registered_at });
            }
            MODE_SET => {
                let ModeSet { mode } = from_record(record)?;
                history.mode = Some(mode);
            }
            // What a later form adds is passed over.
            _ => {}
        }
    }
    Ok(history)
}

fn to_event(event_type: &'static str, content: &impl Serialize) -> Result<NewEvent, SchemaError> {
    let event_type = EventType::new(event_type).map_err(|error| SchemaError::Store(error.into()))?;
    let payload = serde_json::to_vec(content).map_err(|error| SchemaError::Form(Arc::new(error)))?;
    Ok(NewEvent::new(event_type, payload).with_encoding(PayloadCodec::Json.encoding()))
}

fn from_record<'a, T: Deserialize<'a>>(record: &'a RecordedEvent) -> Result<T, SchemaError> {
    serde_json::from_slice(&record.payload).map_err(|error| SchemaError::Unreadable {
        stream: record.stream.clone(),
        version: record.version,
        source: Arc::new(error),
    })
}
