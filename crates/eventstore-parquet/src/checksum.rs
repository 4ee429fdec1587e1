use crc32fast::Hasher;
use eventstore_api::{Metadata, RecordedEvent};

use crate::page_rows::Row;

/// A checksum of events and everything that is known of them, by which it is seen that reading gives what was written.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventsChecksum {
    hasher: Hasher,
    /// What is still to be hashed: many short fields at once.
    gathered: Vec<u8>,
}

/// How many bytes are gathered.
const AT_ONCE: usize = 4 << 10;

impl EventsChecksum {
    pub(crate) fn add(&mut self, event: &RecordedEvent) {
        let row = Row {
            stream: event.stream.as_str().as_bytes(),
            event_type: event.event_type.as_str().as_bytes(),
            version: event.version,
            position: event.position,
            recorded_at: event.recorded_at,
            id: event.id.as_bytes(),
            schema_version: event.schema_version,
            encoding: event.encoding,
        };
        let tags = event.tags.iter().map(|tag| tag.as_str().as_bytes());
        self.row(&row, &event.payload, &event.metadata, tags);
    }

    /// The same of an event that was not made.
    pub(crate) fn row<'t>(
        &mut self,
        row: &Row<'_>,
        payload: &[u8],
        metadata: &Metadata,
        tags: impl ExactSizeIterator<Item = &'t [u8]>,
    ) {
        self.number(row.position.get());
        self.number(row.version.get());
        self.gathered.extend_from_slice(&row.recorded_at.as_micros().to_le_bytes());
        self.gathered.extend_from_slice(row.id);
        self.gathered.extend_from_slice(&row.schema_version.to_le_bytes());
        self.gathered.push(row.encoding.get());
        self.bytes(row.stream);
        self.bytes(row.event_type);
        self.bytes(payload);
        self.number(metadata.len() as u64);
        for (name, value) in metadata.iter() {
            self.bytes(name.as_bytes());
            self.bytes(value.as_bytes());
        }
        self.number(tags.len() as u64);
        for tag in tags {
            self.bytes(tag);
        }
        if self.gathered.len() >= AT_ONCE {
            self.hash_gathered();
        }
    }

    pub(crate) fn finish(mut self) -> u32 {
        self.hash_gathered();
        self.hasher.finalize()
    }

    fn hash_gathered(&mut self) {
        self.hasher.update(&self.gathered);
        self.gathered.clear();
    }

    fn number(&mut self, number: u64) {
        self.gathered.extend_from_slice(&number.to_le_bytes());
    }

    /// With their length, so that no two lists of texts look alike.
    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        if bytes.len() >= AT_ONCE {
            self.hash_gathered();
            self.hasher.update(bytes);
        } else {
            self.gathered.extend_from_slice(bytes);
        }
    }
}
