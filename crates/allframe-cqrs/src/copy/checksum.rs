use std::{fmt, hash::Hasher as _};

use eventstore_api::{Encoding, EventId, EventType, Metadata, NewEvent, RecordedEvent, StreamId, Tags};
use fnv::FnvHasher;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Of events in their order: what was written, so that it shows later whether the target or the transform has changed.
///
/// It finds mistakes. It is no protection from somebody who looks for a collision.
#[derive(Default)]
pub(super) struct Checksum(FnvHasher);

impl Checksum {
    pub(super) fn add_new(&mut self, stream: &StreamId, event: &NewEvent) {
        self.add(stream, event.id, &event.event_type, (event.schema_version, event.encoding));
        self.add_content(&event.payload, &event.metadata, &event.tags);
    }

    pub(super) fn add_recorded(&mut self, record: &RecordedEvent) {
        self.add(&record.stream, record.id, &record.event_type, (record.schema_version, record.encoding));
        self.add_content(&record.payload, &record.metadata, &record.tags);
    }

    pub(super) fn finish(&self) -> Digest {
        Digest(self.0.finish())
    }

    fn add(&mut self, stream: &StreamId, id: EventId, event_type: &EventType, form: (u32, Encoding)) {
        self.add_bytes(stream.as_str().as_bytes());
        self.add_bytes(id.as_bytes());
        self.add_bytes(event_type.as_str().as_bytes());
        self.0.write(&form.0.to_le_bytes());
        self.0.write(&[form.1.get()]);
    }

    fn add_content(&mut self, payload: &[u8], metadata: &Metadata, tags: &Tags) {
        self.add_bytes(payload);
        for (name, value) in metadata.iter() {
            self.add_bytes(name.as_bytes());
            self.add_bytes(value.as_bytes());
        }
        for tag in tags {
            self.add_bytes(tag.as_str().as_bytes());
        }
    }

    /// With its length, so that nothing can move over to what stands beside it.
    fn add_bytes(&mut self, bytes: &[u8]) {
        self.0.write(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
        self.0.write(bytes);
    }
}

/// A checksum as it is kept: 16 hexadecimal digits, since not everything that reads JSON keeps 64 bits of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest(u64);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map(Self).map_err(D::Error::custom)
    }
}
