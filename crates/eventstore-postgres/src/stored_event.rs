//! From what the columns of a row hold to the event: all that can be wrong with it, whoever wrote it there. Nothing here needs a server.

use std::{collections::BTreeMap, fmt::Display};

use bytes::Bytes;
use eventstore_api::{
    Encoding, EventId, GlobalPosition, InvalidInput, Metadata, NewEvent, Placement, RecordedEvent, Result,
    StoreError, Tag, Tags, Timestamp, Version,
};
use eventstore_codec::Names;
use uuid::Uuid;

/// An event as its columns hold it.
#[derive(Clone, Debug)]
pub(crate) struct StoredEvent<'r> {
    pub(crate) position: u64,
    pub(crate) stream: &'r str,
    pub(crate) version: u64,
    pub(crate) recorded_at: Timestamp,
    pub(crate) id: Uuid,
    pub(crate) schema_version: u64,
    pub(crate) encoding: i16,
    pub(crate) event_type: &'r str,
    /// The payload, where it is kept as JSON.
    pub(crate) data: Option<&'r str>,
    /// The payload, where it is kept as bytes.
    pub(crate) payload: Option<&'r [u8]>,
    /// An object of texts, as JSON.
    pub(crate) metadata: Option<&'r str>,
    pub(crate) tags: Option<Vec<&'r str>>,
}

impl StoredEvent<'_> {
    /// # Errors
    ///
    /// [`StoreError::Corrupted`] with the position and what is wrong there.
    pub(crate) fn read(self, names: &mut Names) -> Result<RecordedEvent> {
        let position = self.position;
        let wrong = |what: &str, why: &dyn Display| StoreError::Corrupted {
            place: format!("event_log, position {position}"),
            detail: format!("{what}: {why}"),
        };
        let placement = Placement {
            stream: names.stream(self.stream).map_err(|why| wrong("the stream", &why))?,
            version: Version::new(self.version),
            position: GlobalPosition::new(position),
            recorded_at: self.recorded_at,
        };
        let event_type = names.event_type(self.event_type).map_err(|why| wrong("the type", &why))?;
        let payload = match (self.data, self.payload) {
            (Some(text), None) => Bytes::copy_from_slice(text.as_bytes()),
            (None, Some(bytes)) => Bytes::copy_from_slice(bytes),
            _ => return Err(wrong("the payload", &"there is none, or there are two")),
        };
        let schema_version =
            u32::try_from(self.schema_version).map_err(|why| wrong("the version of the schema", &why))?;
        let encoding = u8::try_from(self.encoding).map_err(|why| wrong("the encoding", &why))?;
        let mut event = NewEvent::identified(EventId::from_uuid(self.id), event_type, payload)
            .with_schema_version(schema_version)
            .with_encoding(Encoding::new(encoding));
        if let Some(text) = self.metadata {
            event.metadata = metadata(text).map_err(|why| wrong("the metadata", &why))?;
        }
        if let Some(list) = self.tags {
            let tags =
                list.into_iter().map(Tag::try_from).collect::<std::result::Result<Vec<_>, InvalidInput>>();
            event.tags = tags.and_then(Tags::new).map_err(|why| wrong("the tags", &why))?;
        }
        Ok(event.record(placement))
    }
}

fn metadata(text: &str) -> std::result::Result<Metadata, String> {
    let entries: BTreeMap<String, String> = serde_json::from_str(text).map_err(|why| why.to_string())?;
    let entries = entries.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Metadata::from_stored(entries).map_err(|why| why.to_string())
}
